"""Interactions out of the warehouse, weighed and in rows, with the vectors that they add."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, Interactions, rows_of
from recsys_tasks.presets import Preset
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.interests import EVERYBODY, Users
from recsys_tasks.warehouse.session import Session
from recsys_tasks.warehouse.text_vectors import Space, Texts, read_vectors
from recsys_tasks.warehouse.weights import Taken, weights_of

AT_ONCE: Final = 1_000_000  # interactions that are weighed at once, of days that have more
KEPT: Final = 4_000_000  # that wait for whoever reads the same days next, at 30 bytes

_COLUMNS = (
    copying.INT4,  # user_key
    copying.INT4,  # item_key, 0 for none
    copying.FLOAT8,  # days from 1970-01-01
    copying.INT2,  # event_type_key
    copying.FLOAT4,  # value, NaN for none
    copying.INT4,  # text_key of the item, 0 for none
    copying.INT4,  # text_key of what the user wrote, 0 for none
)


class Reader:
    """Reads the interactions of days, and keeps what it can: trends and every model ask."""

    def __init__(self, session: Session) -> None:
        """Of a night."""
        self._session = session
        self._days: tuple[date, ...] = ()
        self._ranges: list[Users] = []
        self._kept: dict[Users, Taken] = {}

    def ranges(self, days: Sequence[date]) -> list[Users]:
        """Ranges of user keys, of some AT_ONCE interactions each; together they are everybody."""
        if self._days != tuple(days):
            rows = self._session.rows("user_ranges", days=days, at_once=AT_ONCE)
            edges = [int(edge) for (edge,) in rows]
            firsts = [EVERYBODY.first, *(edge + 1 for edge in edges)]
            lasts = [*edges, EVERYBODY.last]
            self._days, self._kept = tuple(days), {}
            self._ranges = [Users(*ends) for ends in zip(firsts, lasts, strict=True)]
        return self._ranges

    def read(self, days: Sequence[date], users: Users) -> Taken:
        """User by user, in the order in which a delta is summed; `users` is one of the ranges."""
        if self._days != tuple(days):
            self.ranges(days)
        if (kept := self._kept.get(users)) is not None:
            return kept
        read = taken(self._session, "interactions_of_days", days=days, **users._asdict())
        if sum(len(other.user_keys) for other in self._kept.values()) < KEPT:
            self._kept[users] = read
        return read


class Weighed(NamedTuple):
    """Interactions as numeric rooms read them, and the way back to keys.

    Attributes:
        interactions: In the query's order. Items are rows of `item_keys`, which also index
            `vectors`; texts are rows of `vectors` after those.
        user_keys: By row of the user, ascending.
        item_keys: By row of the item.
        vectors: Of the items' texts and then of what users wrote, (n_vectors, dim); zero where
            there is none.
    """

    interactions: Interactions
    user_keys: NDArray[np.int32]
    item_keys: NDArray[np.int32]
    vectors: NDArray[np.float32]


class Items(NamedTuple):
    """Items by row: their keys, and the keys of their texts, 0 for none; shape (n_items,) each."""

    item_keys: NDArray[np.int32]
    text_keys: NDArray[np.int32]


def weighed(
    session: Session,
    query: str,
    preset: Preset,
    space: Space,
    items: Items | None = None,
    texts: Texts | None = None,
    **parameters: object,
) -> Weighed:
    """Read interactions with one of the queries whose columns are those of interactions_of_days.

    Args:
        session: Of the night.
        query: Its name.
        preset: Gives the weights.
        space: Of the vectors.
        items: The rows of items; without them, the items that occur, in ascending keys.
        texts: Vectors that need not be read.
        parameters: Of the query.
    """
    return weighed_of(session, taken(session, query, **parameters), preset, space, items, texts)


def taken(session: Session, query: str, **parameters: object) -> Taken:
    """Read interactions with one of those queries."""
    return Taken(*session.copy_out(query, _COLUMNS, **parameters))


def weighed_of(
    session: Session,
    read: Taken,
    preset: Preset,
    space: Space,
    items: Items | None = None,
    texts: Texts | None = None,
    rating_scale: float | None = None,
) -> Weighed:
    """As `weighed`, of interactions that were read before; ratings on a scale that is given."""
    user_keys, user_rows = np.unique(read.user_keys, return_inverse=True)
    items = items or _occurring(read.item_keys, read.item_text_keys)
    text_keys = np.unique(read.text_keys[read.text_keys > 0])
    vectors = read_vectors(session, space, np.concatenate([items.text_keys, text_keys]), texts)
    weights, text_weights = weights_of(session, preset, space, read, rating_scale)
    text_rows = _rows(text_keys, read.text_keys)
    interactions = Interactions(
        user_rows.astype(np.int32),
        _rows(items.item_keys, read.item_keys),
        read.times,
        weights,
        np.where(text_rows == NO_ROW, NO_ROW, text_rows + len(items.item_keys)).astype(np.int32),
        text_weights,
        read.kinds,
    )
    return Weighed(interactions, user_keys, items.item_keys, vectors)


class Liked(NamedTuple):
    """What users took to; shape (n,) each."""

    item_keys: NDArray[np.int32]
    user_keys: NDArray[np.int32]
    days: NDArray[np.int32]


def liked(
    session: Session,
    read: Taken,
    preset: Preset,
    space: Space,
    rating_scale: float | None = None,
) -> Liked:
    """The interactions with an item and a positive weight.

    Args:
        session: Of the night.
        read: Any interactions.
        preset: Gives the weights.
        space: Whose vectors tell the stance of a text.
        rating_scale: Top of the scale of ratings, in place of what the largest one tells.
    """
    weights, _ = weights_of(session, preset, space, read, rating_scale)
    chosen = (weights > 0) & (read.item_keys > 0)
    days = np.floor(read.times[chosen]).astype(np.int32)
    return Liked(read.item_keys[chosen], read.user_keys[chosen], days)


class Counted(NamedTuple):
    """Interactions with both their weights; shape (n,) each, in the query's order.

    Attributes:
        user_keys: Who.
        item_keys: With what; 0 for no item.
        text_keys: What the user wrote; 0 for nothing.
        times: Days from 1970-01-01, with their fraction.
        weights: Signed, of the item.
        text_weights: Signed, of the text.
    """

    user_keys: NDArray[np.int32]
    item_keys: NDArray[np.int32]
    text_keys: NDArray[np.int32]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]
    text_weights: NDArray[np.float32]


def counted(
    session: Session, query: str, preset: Preset, space: Space, **parameters: object
) -> Counted:
    """Interactions out of the same queries as `weighed`, without vectors."""
    read = taken(session, query, **parameters)
    weights = weights_of(session, preset, space, read)
    return Counted(read.user_keys, read.item_keys, read.text_keys, read.times, *weights)


def _occurring(keys: NDArray[np.int32], text_keys: NDArray[np.int32]) -> Items:
    item_keys, first = np.unique(keys, return_index=True)
    return Items(item_keys[item_keys > 0], text_keys[first][item_keys > 0])


def _rows(keys: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.int32]:
    """Where each wanted key stands; NO_ROW where it does not."""
    rows, found = rows_of(keys, wanted)
    return np.where(found, rows, NO_ROW).astype(np.int32)
