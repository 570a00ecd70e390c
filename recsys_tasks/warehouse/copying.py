"""COPY in PostgreSQL's binary format, between tables and numpy columns, without a loop over rows.

Only columns of fixed width are known here, so that a whole table is one structured array: see
"Binary Format" on https://www.postgresql.org/docs/18/sql-copy.html, and pgvector's send functions
for its types.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_DAYS_TO_2000 = 10957  # from 1970-01-01 to 2000-01-01, where PostgreSQL's dates start
_FLOAT4_OID, _INT4_OID, _INT2_OID = 700, 23, 21


class Column(NamedTuple):
    """One column of fixed width: how it lies on the wire.

    Attributes:
        wire: The bytes of a value, as fields of which `value` is what numpy sees.
        constants: Values of the other fields, the same in every row.
        shift: Added to a value as it is read, taken off as it is written.
        kind: The dtype handed to, and taken from, callers.
    """

    wire: np.dtype[np.void]
    constants: dict[str, int]
    shift: int
    kind: np.dtype[np.generic]


def _scalar(wire: str, kind: str, shift: int = 0) -> Column:
    return Column(np.dtype([("value", wire)]), {}, shift, np.dtype(kind))


INT2 = _scalar(">i2", "i2")
INT4 = _scalar(">i4", "i4")
INT8 = _scalar(">i8", "i8")
FLOAT4 = _scalar(">f4", "f4")
FLOAT8 = _scalar(">f8", "f8")
DAY = _scalar(">i4", "i4", shift=_DAYS_TO_2000)  # a date, as days from 1970-01-01


def vector(dim: int) -> Column:
    """A pgvector `vector(dim)` as float32 of shape (dim,)."""
    wire = np.dtype([("dim", ">i2"), ("unused", ">i2"), ("value", ">f4", (dim,))])
    return Column(wire, {"dim": dim, "unused": 0}, 0, np.dtype("f4"))


def halfvec(dim: int) -> Column:
    """A pgvector `halfvec(dim)` as float16 of shape (dim,)."""
    wire = np.dtype([("dim", ">i2"), ("unused", ">i2"), ("value", ">f2", (dim,))])
    return Column(wire, {"dim": dim, "unused": 0}, 0, np.dtype("f2"))


def _array(n: int, oid: int, element: str, kind: str) -> Column:
    items = np.dtype([("size", ">i4"), ("value", element)])
    wire = np.dtype(
        [(name, ">i4") for name in ("n_dims", "flags", "oid", "n", "lower")]
        + [("value", items, (n,))]
    )
    constants = {"n_dims": 1, "flags": 0, "oid": oid, "n": n, "lower": 1}
    return Column(wire, constants, 0, np.dtype(kind))


def real_array(n: int) -> Column:
    """A `real[]` of exactly n > 0 elements, none null."""
    return _array(n, _FLOAT4_OID, ">f4", "f4")


def integer_array(n: int) -> Column:
    """An `integer[]` of exactly n > 0 elements, none null."""
    return _array(n, _INT4_OID, ">i4", "i4")


def smallint_array(n: int) -> Column:
    """A `smallint[]` of exactly n > 0 elements, none null."""
    return _array(n, _INT2_OID, ">i2", "i2")


def _row_type(columns: Sequence[Column]) -> np.dtype[np.void]:
    fields: list[tuple[str, object]] = [("n_fields", ">i2")]
    for position, column in enumerate(columns):
        fields += [(f"size{position}", ">i4"), (f"column{position}", column.wire)]
    return np.dtype(fields)


def encode(columns: Sequence[Column], arrays: Sequence[NDArray[np.generic]]) -> bytes:
    """The binary COPY stream of the arrays' rows.

    Args:
        columns: One a column of the table, in the COPY statement's order.
        arrays: One a column, each with n rows.
    """
    row_type, start = _row_type(columns), len(_SIGNATURE)
    end = start + len(arrays[0]) * row_type.itemsize
    # One buffer from the first byte to the last: what a night writes is copied once.
    stream = np.empty(end + len(_TRAILER), np.uint8)
    stream[:start] = np.frombuffer(_SIGNATURE, np.uint8)
    stream[end:] = np.frombuffer(_TRAILER, np.uint8)
    rows = stream[start:end].view(row_type)
    rows["n_fields"] = len(columns)
    for position, (column, values) in enumerate(zip(columns, arrays, strict=True)):
        rows[f"size{position}"] = column.wire.itemsize
        cell = rows[f"column{position}"]
        for name, constant in column.constants.items():
            cell[name] = constant
        if "lower" in column.constants:
            cell["value"]["size"] = cell["value"].dtype["value"].itemsize
            cell["value"]["value"] = values
        else:
            cell["value"] = values - column.shift if column.shift else values
    return stream.tobytes()


def decode(
    columns: Sequence[Column], stream: bytes | memoryview
) -> tuple[NDArray[np.generic], ...]:
    """The columns of a binary COPY stream, in native byte order.

    Raises:
        ValueError: A row is not as `columns` say: a null, or a vector of another length.
    """
    body = memoryview(stream)[len(_SIGNATURE) : -len(_TRAILER)]
    row_type = _row_type(columns)
    if len(body) % row_type.itemsize:
        message = f"{len(body)} bytes are no rows of {row_type.itemsize}: a null, or another width"
        raise ValueError(message)
    rows = np.frombuffer(body, row_type)
    # The first row that differs still lies where it is looked for, so looking at each is proof.
    if not _are_as_said(rows, columns):
        message = "a row has other columns than are expected: a null, or another width"
        raise ValueError(message)
    return tuple(
        _native(rows[f"column{position}"], column) for position, column in enumerate(columns)
    )


def _are_as_said(rows: NDArray[np.void], columns: Sequence[Column]) -> bool:
    """Whether everything in the rows but the values is what `encode` would have written."""
    if (rows["n_fields"] != len(columns)).any():
        return False
    for position, column in enumerate(columns):
        cell = rows[f"column{position}"]
        if (rows[f"size{position}"] != column.wire.itemsize).any():
            return False
        if any((cell[name] != constant).any() for name, constant in column.constants.items()):
            return False
        if "lower" in column.constants:
            item = cell["value"].dtype["value"].itemsize
            if (cell["value"]["size"] != item).any():
                return False
    return True


def _native(cell: NDArray[np.void], column: Column) -> NDArray[np.generic]:
    values = cell["value"]["value"] if "lower" in column.constants else cell["value"]
    native = values.astype(column.kind)
    return native + column.kind.type(column.shift) if column.shift else native
