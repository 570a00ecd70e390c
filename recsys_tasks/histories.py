"""What users did, as matrices, from relevant interactions only.

A user and an item count once a day, as in the truth that lists are held against.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW, Interactions


class Taken(NamedTuple):
    """Who took to what on which day, each once, in ascending order of day; arrays of shape (n,)."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    days: NDArray[np.int32]


def relevant(interactions: Interactions) -> Interactions:
    """Those that have an item and a weight above 0."""
    return interactions.where((interactions.items != NO_ROW) & (interactions.weights > 0))


def once_a_day(interactions: Interactions) -> Taken:
    """The relevant interactions, a user and an item once a day."""
    kept = relevant(interactions)
    if not len(kept):
        return Taken(kept.users, kept.items, kept.days)
    grid = (*(int(part.max()) + 1 for part in (kept.users, kept.items)),)
    first = int(kept.days[0])
    shape = (int(kept.days[-1]) - first + 1, *grid)
    keys = np.unique(np.ravel_multi_index((kept.days - first, kept.users, kept.items), shape))
    days, users, items = (part.astype(np.int32) for part in np.unravel_index(keys, shape))
    return Taken(users, items, days + np.int32(first))


def user_items(past: Interactions, n_items: int) -> sparse.csr_matrix:
    """1 where a user ever took to an item, shape (n_users, n_items), float32.

    Users are the rows up to the last one that occurs.
    """
    kept = relevant(past)
    n_users = int(kept.users.max(initial=NO_ROW)) + 1
    ones = np.ones(len(kept), np.float32)
    matrix = sparse.csr_matrix((ones, (kept.users, kept.items)), shape=(n_users, n_items))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def histories(
    past: Interactions,
    users: NDArray[np.int32],
    day: int,
    half_life: float | None,
    n_items: int,
) -> sparse.csr_matrix:
    """How much of each item the users' pasts hold on `day`.

    An item that a user took to on an earlier day weighs 2 ** (-(days since) / half_life), and 1
    without a half-life; an item of several days weighs their sum.

    Args:
        past: The interactions that precede `day`.
        users: Distinct rows of users, shape (n,).
        day: The day from which the past is seen.
        half_life: In days; None for a past that does not fade.
        n_items: Items in the catalogue.

    Returns:
        Shape (n, n_items), float32; a row without entries for a user without a past.
    """
    last = max(int(past.users.max(initial=0)), int(users.max(initial=0)))
    position = np.full(last + 1, NO_ROW, np.int32)
    position[users] = np.arange(len(users))
    taken = once_a_day(past.where(position[past.users] != NO_ROW))
    weights = faded(day - taken.days, half_life).astype(np.float32)
    entries = (weights, (position[taken.users], taken.items))
    return sparse.csr_matrix(entries, shape=(len(users), n_items))


def faded(ages: NDArray[np.int32], half_life: float | None) -> NDArray[np.float64]:
    """What is left after `ages` days: 2 ** (-age / half_life), and all of it without a half-life.

    >>> faded(np.array([0, 3, 6], np.int32), 3.0).tolist()
    [1.0, 0.5, 0.25]
    """
    if half_life is None:
        return np.ones(len(ages))
    return np.exp2(-ages / half_life)
