import io
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from recsys_tasks.interactions import day_number
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.copying import (
    DAY,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    Column,
    decode,
    encode,
    halfvec,
    integer_array,
    real_array,
    smallint_array,
    vector,
)

# What each kind of column takes: infinities, NaN, extremes; dates as PostgreSQL knows them.
FIRST_DAY, LAST_DAY = -2_440_588 + 60, 2_000_000_000
INTEGERS = {2: st.integers(-(2**15), 2**15 - 1), 4: st.integers(-(2**31), 2**31 - 1)}
KINDS: list[tuple[Column, int, st.SearchStrategy[float] | st.SearchStrategy[int]]] = [
    (INT2, 0, INTEGERS[2]),
    (INT4, 0, INTEGERS[4]),
    (FLOAT4, 0, st.floats(width=32)),
    (FLOAT8, 0, st.floats()),
    (DAY, 0, st.integers(FIRST_DAY, LAST_DAY)),
    (vector(3), 3, st.floats(width=32)),
    (halfvec(2), 2, st.floats(width=16)),
    (real_array(4), 4, st.floats(width=32)),
    (integer_array(1), 1, INTEGERS[4]),
    (smallint_array(5), 5, INTEGERS[2]),
]
COLUMNS = tuple(column for column, _, _ in KINDS)

CREATE = """
create temporary table kinds (
    small smallint, whole integer, single real, wide double precision, happened date,
    dense vector(3), half halfvec(2), reals real[], integers integer[], smalls smallint[]
) on commit drop
"""
COPY_IN = "copy kinds from stdin with (format binary)"
COPY_OUT = "copy kinds to stdout with (format binary)"


@st.composite
def tables(draw: st.DrawFn) -> list[NDArray[np.generic]]:
    """A few rows of every kind of column."""
    n = draw(st.integers(0, 4))
    return [
        draw(hnp.arrays(column.kind, (n, width) if width else n, elements=elements))
        for column, width, elements in KINDS
    ]


def finite_table() -> list[NDArray[np.generic]]:
    """Two rows; pgvector takes neither NaN nor infinity, every other column does."""
    return [
        np.array([-(2**15), 2**15 - 1], np.int16),
        np.array([-(2**31), 2**31 - 1], np.int32),
        np.array([np.nan, -np.inf], np.float32),
        np.array([1 / 3, -1e308]),
        np.array([-1, day_number(date(2011, 12, 9))], np.int32),
        np.array([[0, -1.5, 3e38], [1, 2, 3]], np.float32),
        np.array([[0.5, -65504], [1, 2]], np.float16),
        np.array([[np.inf, np.nan, -0.0, 1], [1, 2, 3, 4]], np.float32),
        np.array([[2**31 - 1], [-7]], np.int32),
        np.array([[1, 2, 3, 4, -5], [0, 0, 0, 0, 2**15 - 1]], np.int16),
    ]


def copied_out(session: Session, statement: str) -> bytes:
    stream = io.BytesIO()
    with session.connection.cursor() as cursor:
        cursor.copy_expert(statement, stream)
    return stream.getvalue()


def copy_in(session: Session, arrays: list[NDArray[np.generic]]) -> None:
    session.select(CREATE)
    with session.connection.cursor() as cursor:
        cursor.copy_expert(COPY_IN, io.BytesIO(encode(COLUMNS, arrays)))


def assert_same_bits(left: NDArray[np.generic], right: NDArray[np.generic]) -> None:
    assert (left.shape, left.dtype) == (right.shape, right.dtype)
    np.testing.assert_array_equal(left, right)


@given(tables())
def test_what_is_encoded_is_decoded(arrays: list[NDArray[np.generic]]) -> None:
    decoded = decode(COLUMNS, encode(COLUMNS, arrays))

    for found, expected in zip(decoded, arrays, strict=True):
        assert found.dtype.isnative
        assert_same_bits(found, expected)


@given(tables())
def test_how_arrays_lie_in_memory_does_not_matter(arrays: list[NDArray[np.generic]]) -> None:
    spread = [np.repeat(array, 2, axis=0)[::2] for array in arrays]

    assert encode(COLUMNS, spread) == encode(COLUMNS, arrays)


def test_what_is_decoded_can_be_written_to() -> None:
    """Torch takes no arrays that are read only, and a state is folded in place."""
    for array in decode(COLUMNS, encode(COLUMNS, finite_table())):
        assert array.flags.writeable


def test_postgres_reads_what_is_encoded(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        copy_in(session, finite_table())
        first, second = session.select(
            """
            select
                small, whole, single::text, wide, happened::text, dense::text, half::text,
                reals::text, integers, smalls
            from kinds
            """
        )

    assert first == (
        *(-32768, -2147483648, "NaN", 1 / 3, "1969-12-31", "[0,-1.5,3e+38]", "[0.5,-65504]"),
        *("{Infinity,NaN,-0,1}", [2147483647], [1, 2, 3, 4, -5]),
    )
    assert second == (
        *(32767, 2147483647, "-Infinity", -1e308, "2011-12-09", "[1,2,3]", "[1,2]"),
        *("{1,2,3,4}", [-7], [0, 0, 0, 0, 32767]),
    )


def test_what_postgres_sends_is_decoded(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        copy_in(session, finite_table())
        decoded = decode(COLUMNS, copied_out(session, COPY_OUT))

    for found, expected in zip(decoded, finite_table(), strict=True):
        assert_same_bits(found, expected)


def test_a_table_without_rows_has_columns_without_rows(warehouse: Warehouse) -> None:
    empty = [array[:0] for array in finite_table()]

    with warehouse.transaction() as session:
        copy_in(session, empty)
        decoded = decode(COLUMNS, copied_out(session, COPY_OUT))

    assert [array.shape for array in decoded] == [array.shape for array in empty]


BROKEN = {
    "null": ("select 1, null::integer", (INT4, INT4)),
    "a null in the last of two rows": ("values (1, 2), (3, null)", (INT4, INT4)),
    "a longer vector": ("select '[1,2,3]'::vector", (vector(2),)),
    "vectors of two lengths": ("values ('[1,2,3]'::vector), ('[1]')", (vector(2),)),
    "arrays of two lengths": ("values ('{1,2,3}'::integer[]), ('{1}')", (integer_array(2),)),
    "no array element": ("select '{}'::real[]", (real_array(1),)),
    "a null element": ("select '{1,null}'::integer[]", (integer_array(2),)),
    "an array of two dimensions": ("select '{{1,2},{3,4}}'::integer[]", (integer_array(5),)),
    "another type of elements": ("select '{1}'::integer[]", (real_array(1),)),
    "one column more": ("select 1, 2", (INT4,)),
    "a wider type": ("select 1::bigint", (INT4,)),
    "columns in another order": ("select 1::smallint, 2.0::float8", (FLOAT8, INT2)),
    "two halves for a whole": ("select 1::smallint, 2::smallint", (INT4, INT2)),
}


@pytest.mark.parametrize(("query", "columns"), BROKEN.values(), ids=BROKEN)
def test_a_row_that_is_not_as_expected_is_refused(
    warehouse: Warehouse, query: str, columns: tuple[Column, ...]
) -> None:
    with warehouse.transaction() as session:
        stream = copied_out(session, f"copy ({query}) to stdout with (format binary)")

    with pytest.raises(ValueError, match="a null, or another width"):
        decode(columns, stream)


def test_one_array_a_column_is_expected() -> None:
    with pytest.raises(ValueError, match="shorter"):
        encode((INT4, INT4), (np.zeros(1, np.int32),))
