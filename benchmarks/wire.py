"""Columns that a made world sends and warehouse.copying has no need of: ids and instants."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.warehouse import Session, copying

_SECONDS_TO_2000: Final = 10_957 * 86_400
MICROSECONDS: Final = 1_000_000
# A timestamptz, as microseconds from 1970-01-01.
INSTANT: Final = copying.Column(
    np.dtype([("value", ">i8")]), {}, _SECONDS_TO_2000 * MICROSECONDS, np.dtype("i8")
)


def text(width: int) -> copying.Column:
    """A text of exactly so many bytes."""
    kind = np.dtype(f"S{width}")
    return copying.Column(np.dtype([("value", kind)]), {}, 0, kind)


def ids(letter: str, numbers: NDArray[np.integer], n_digits: int = 8) -> NDArray[np.bytes_]:
    """A letter and the number's digits, zeros first, so that ids are in the order of numbers.

    >>> ids("u", np.array([7, 120]), 4).tolist()
    [b'u0007', b'u0120']
    """
    powers = 10 ** np.arange(n_digits - 1, -1, -1, dtype=np.int64)
    digits = np.empty((len(numbers), n_digits + 1), np.uint8)
    digits[:, 0] = ord(letter)
    digits[:, 1:] = numbers[:, None] // powers % 10 + ord("0")
    return digits.view(f"S{n_digits + 1}").ravel()


def copy_in(
    session: Session,
    statement: str,
    columns: Sequence[copying.Column],
    arrays: Sequence[NDArray[np.generic]],
) -> None:
    """Send arrays of equal length to a `copy ... from stdin with (format binary)` statement."""
    with session.connection.cursor() as cursor:
        cursor.copy_expert(statement, io.BytesIO(copying.encode(columns, arrays)))
