"""Interactions and the catalogue as columns: what every numeric room reads.

A row is a position in a matrix; ids are the source's text. Days are counted from 1970-01-01.
"""

from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

EPOCH = date(1970, 1, 1)
NO_ROW = -1
SPARSE = 4  # a table of so many places a key is faster than a search
ALWAYS, NEVER = int(np.iinfo(np.int32).min), int(np.iinfo(np.int32).max)  # days


def day_number(day: date) -> int:
    """Days from 1970-01-01 to `day`."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """The date that lies so many days after 1970-01-01."""
    return EPOCH + timedelta(days=day)


def rows_of(
    keys: NDArray[np.int32], wanted: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where wanted keys stand among distinct keys in any order, and which of them do.

    The rows of those that do not mean nothing.
    """
    if not len(keys):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), np.bool_)
    last = int(keys.max())
    if keys.min() >= 0 and last < SPARSE * (len(keys) + len(wanted)):
        # The table has a place more, for what is no key.
        table = np.full(last + 2, NO_ROW, np.intp)
        table[keys] = np.arange(len(keys))
        places = table[np.clip(wanted, NO_ROW, last + 1)]
        return np.maximum(places, 0), places != NO_ROW
    order = np.argsort(keys)
    places = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    return places, keys[places] == wanted


@dataclass(frozen=True)
class Interactions:
    """What users did, in ascending order of time, of all or of each. Every array has shape (n,).

    Attributes:
        users: Row of the user.
        items: Row of the item; NO_ROW where the interaction has none (a search).
        times: Days from 1970-01-01, with their fraction.
        weights: The signed weight of its type and value; above 0 the interaction is relevant.
        texts: Row of what the user wrote; NO_ROW where nothing.
        text_weights: The signed weight of that text.
        types: Key of the event type.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]
    texts: NDArray[np.int32]
    text_weights: NDArray[np.float32]
    types: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def days(self) -> NDArray[np.int32]:
        """The day of each interaction."""
        return np.floor(self.times).astype(np.int32)

    def between(self, since: int, until: int) -> "Interactions":
        """Those of the days in [since, until), as views of the same memory."""
        start, end = np.searchsorted(self.times, [since, until])
        return self.at(slice(start, end))

    def before(self, day: int) -> "Interactions":
        """Those that precede `day`, as views of the same memory."""
        return self.at(slice(0, int(np.searchsorted(self.times, day))))

    def where(self, mask: NDArray[np.bool_]) -> "Interactions":
        """Those that the mask selects, in the same order."""
        return self.at(mask)

    def at(self, index: slice | NDArray[np.bool_]) -> "Interactions":
        """Those in some places, in their order."""
        return Interactions(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True)
class Catalogue:
    """Items by row, in ascending order of item_id.

    Attributes:
        item_ids: The source's ids, length n_items.
        since: First day on which an item exists, shape (n_items,); ALWAYS where it is not known,
            NEVER where it is not listed.
        vectors: Unit vectors of the items' texts, shape (n_items, dim); zero rows where there is
            no text.
    """

    item_ids: tuple[str, ...]
    since: NDArray[np.int32]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.item_ids)
