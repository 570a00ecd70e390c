"""What a model is trained on: given everything before a day, which items on that day?

An example is a user-day with at least one item that the user took to and never touched before (the
protocol's target `new`). Its history is what the user did before the day. Examples ascend in time,
so that each day is predicted before it is learned from.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, Interactions


class Events(NamedTuple):
    """One row a vector that an interaction adds, by user and then by time; shape (n,) each.

    Attributes:
        rows: Of the vector.
        weights: As the preset gives them, signed.
        types: Row of the event type among those that occur.
        kinds: 0 for an item that was liked, 1 for one that was not, 2 for what the user wrote.
        times: Days from 1970-01-01.
        starts: Where each user's rows begin, shape (n_users + 1,).
    """

    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    types: NDArray[np.int16]
    kinds: NDArray[np.int8]
    times: NDArray[np.float64]
    starts: NDArray[np.intp]


class Examples(NamedTuple):
    """n user-days in ascending order of day, then user.

    Attributes:
        users: Row of the user, shape (n,).
        days: Shape (n,).
        pointers: Where the targets of each begin, shape (n + 1,).
        targets: Rows of the items, ascending within a user-day.
    """

    users: NDArray[np.int32]
    days: NDArray[np.int32]
    pointers: NDArray[np.intp]
    targets: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.users)

    def between(self, start: int, stop: int) -> "Examples":
        """Those at the places [start, stop)."""
        pointers = self.pointers[start : stop + 1]
        return Examples(
            self.users[start:stop],
            self.days[start:stop],
            pointers - pointers[0],
            self.targets[pointers[0] : pointers[-1]],
        )


def events_of(
    interactions: Interactions,
    type_keys: NDArray[np.int16],
    is_known: NDArray[np.bool_],
    n_users: int,
) -> Events:
    """What interactions add, one row a vector.

    Args:
        interactions: In ascending order of time.
        type_keys: Of the event types, ascending.
        is_known: Whether each vector says something, shape (n_vectors,).
        n_users: Users are the rows below it.
    """
    rows = np.column_stack([interactions.items, interactions.texts])
    weights = np.column_stack([interactions.weights, interactions.text_weights])
    kept = np.append(is_known, np.False_)[rows] & (weights != 0)
    places, columns = np.nonzero(kept)
    signed = weights[kept]
    users = interactions.users[places]
    order = np.argsort(users, kind="stable")
    kinds = np.where(columns == 1, 2, np.where(signed < 0, 1, 0)).astype(np.int8)
    return Events(
        rows[kept][order],
        signed[order],
        np.searchsorted(type_keys, interactions.types[places])[order].astype(np.int16),
        kinds[order],
        interactions.times[places][order],
        np.searchsorted(users[order], np.arange(n_users + 1)),
    )


def examples_of(interactions: Interactions, since: int, until: int) -> Examples:
    """The user-days of [since, until) with what each user first took to on them.

    An item that the user touched before, with any sign, is no target.
    """
    touched = interactions.before(until)
    touched = touched.where(touched.items != NO_ROW)
    n_items = int(touched.items.max(initial=0)) + 1
    pairs = touched.users.astype(np.int64) * n_items + touched.items
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    days = touched.days
    # What is liked on the day of the first touch counts, whatever came first on that day.
    is_new = (touched.weights > 0) & (days == days[first][inverse]) & (days >= since)
    triples = np.unique(
        np.column_stack([days[is_new], touched.users[is_new], touched.items[is_new]]), axis=0
    )
    heads = np.flatnonzero(np.any(np.diff(triples[:, :2], axis=0, prepend=-1) != 0, axis=1))
    return Examples(
        triples[heads, 1].astype(np.int32),
        triples[heads, 0].astype(np.int32),
        np.append(heads, len(triples)),
        triples[:, 2].astype(np.int32),
    )


def histories_of(
    events: Events, examples: Examples, most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the events of each example's user before its day begin and end, the `most` latest."""
    span = float(events.times.max(initial=0)) + 2
    owners = np.repeat(np.arange(len(events.starts) - 1), np.diff(events.starts))
    keys = owners * span + events.times
    ends = np.searchsorted(keys, examples.users * span + examples.days)
    return np.maximum(events.starts[examples.users], ends - most), ends
