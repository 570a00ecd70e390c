"""Small worlds with a known answer, as the numeric rooms read them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions

UNKNOWN = np.iinfo(np.int32).min


class Deed(NamedTuple):
    """A user and an item at a time in days; a negative weight is a dislike."""

    user: int
    item: int
    time: float
    weight: float = 1.0


class World(NamedTuple):
    """A history, and the days in [since, until) that are asked about."""

    interactions: Interactions
    catalogue: Catalogue
    n_users: int
    since: int
    until: int


def history_of(deeds: Iterable[Deed]) -> Interactions:
    """Interactions in order of time."""
    ordered = sorted(deeds, key=lambda deed: deed.time)
    users, items, times, weights = zip(*ordered, strict=True) if ordered else ((),) * 4
    n = len(ordered)
    return Interactions(
        users=np.array(users, np.int32),
        items=np.array(items, np.int32),
        times=np.array(times, np.float64),
        weights=np.array(weights, np.float32),
        texts=np.full(n, NO_ROW, np.int32),
        text_weights=np.zeros(n, np.float32),
        types=np.ones(n, np.int16),
    )


def catalogue_of(
    n_items: int, since: ArrayLike = UNKNOWN, vectors: ArrayLike | None = None
) -> Catalogue:
    """Items that exist since a day each, without text unless vectors are given."""
    return Catalogue(
        item_ids=tuple(f"item {row:03}" for row in range(n_items)),
        since=np.broadcast_to(np.asarray(since, np.int32), n_items),
        vectors=np.asarray(np.zeros((n_items, 2)) if vectors is None else vectors, np.float32),
    )


def checkerboard(size: int = 8, crowd: int = 4) -> World:
    """Users and items of two colours: each took to all items of their colour but one.

    User u missed item u % size and takes to it on the last day: whoever finds that colour predicts
    taste is right each time. Popularity knows nothing here, since all items are equally popular.
    """
    users = range(size * crowd)
    deeds = [
        Deed(user, item, float(user % 10))
        for user in users
        for item in range(size)
        if (user - item) % 2 == 0 and item != user % size
    ]
    deeds += [Deed(user, user % size, 20.0) for user in users]
    return World(history_of(deeds), catalogue_of(size), len(users), 20, 21)


def drifting_popularity(n_days: int = 12) -> World:
    """Item d is the favourite of day d and has one admirer on day d + 1; item 0 once was a hit.

    Users come once. So what was new yesterday is what can be found today, while the whole past
    points at item 0, which nobody takes to any more.
    """
    deeds = [Deed(user, 0, 0.0) for user in range(50)]
    user = 50
    for day in range(1, n_days):
        for item in (day, day, day, day, day - 1):
            deeds.append(Deed(user, item, float(day)))
            user += 1
    return World(history_of(deeds), catalogue_of(n_days), user, n_days - 3, n_days)


def repeaters(n: int = 4, n_days: int = 6) -> World:
    """User u takes to item u every day, and on the last day to item u + 1 besides."""
    deeds = [Deed(user, user, float(day)) for user in range(n) for day in range(n_days)]
    deeds += [Deed(user, (user + 1) % n, n_days - 0.5) for user in range(n)]
    return World(history_of(deeds), catalogue_of(n), n, n_days - 1, n_days)


def deeds(n_users: int = 5, n_items: int = 6, n_days: int = 12) -> st.SearchStrategy[list[Deed]]:
    """Any short history: likes and dislikes, and interactions without an item."""
    return st.lists(
        st.builds(
            Deed,
            user=st.integers(0, n_users - 1),
            item=st.integers(NO_ROW, n_items - 1),
            time=st.integers(0, 4 * n_days - 1).map(lambda quarter: quarter / 4),
            weight=st.sampled_from([1.0, 2.0, 0.0, -1.0]),
        ),
        max_size=40,
    )
