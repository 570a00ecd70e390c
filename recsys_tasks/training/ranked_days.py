"""What the second stage learns from: candidates of user-days, with what became of them.

The first stage and the co-occurrence that describe a day know nothing of it: they are fitted on
what precedes all of these days.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.user_days import UserDays
from recsys_tasks.interactions import Interactions
from recsys_tasks.reranking import FEATURES, Candidates, Groups
from recsys_tasks.reranking.describing import Describer

BATCH_SIZE = 256  # user-days described at once
AGE = FEATURES.index("age")


def ranked_days(
    describer: Describer, interactions: Interactions, user_days: UserDays, n_items: int
) -> Groups:
    """Describe the candidates of user-days.

    A user-day becomes up to three groups, as far as each holds something that the user took to:
    everything; what was never touched, where something else was taken to again (target `new`); and
    what existed the day before, where more exists (a night can list no other).
    """
    parts = list(_parts(describer, interactions, user_days, n_items))
    if not parts:
        return Groups(
            np.zeros((0, len(FEATURES)), np.float32),
            np.zeros(0, np.int8),
            np.zeros(0, np.intp),
            np.zeros(0, np.int32),
        )
    return Groups(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _parts(
    describer: Describer, interactions: Interactions, user_days: UserDays, n_items: int
) -> Iterator[Groups]:
    """The groups of each batch."""
    for day in np.unique(user_days.days):
        first, last = np.searchsorted(user_days.days, [day, day + 1])
        past = interactions.before(int(day))
        for start in range(first, last, BATCH_SIZE):
            rows = np.arange(start, min(start + BATCH_SIZE, last))
            found, _ = describer.candidates(past, user_days.users[rows], int(day))
            labels = _labels(found, user_days, rows, n_items)
            for chosen in _views(found, labels):
                yield _groups(found.where(chosen), labels[chosen], int(day))


def _labels(
    found: Candidates, user_days: UserDays, rows: NDArray[np.intp], n_items: int
) -> NDArray[np.int8]:
    """1 for the candidates that were taken to on the day."""
    first, last = np.searchsorted(user_days.rows, [rows[0], rows[-1] + 1])
    relevant = (user_days.rows[first:last] - rows[0]) * n_items + user_days.items[first:last]
    return np.isin(found.users * n_items + found.items, relevant).astype(np.int8)


def _views(found: Candidates, labels: NDArray[np.int8]) -> Iterator[NDArray[np.bool_]]:
    """Which candidates stand in each kind of group."""
    repeats = np.unique(found.users[(labels > 0) & found.are_touched])
    repeat = np.isin(found.users, repeats)
    yield np.ones(len(labels), np.bool_)
    yield ~found.are_touched & repeat
    is_of_the_day = found.features[:, AGE] == 0
    if is_of_the_day.any():
        yield ~found.are_touched & ~is_of_the_day


def _groups(found: Candidates, labels: NDArray[np.int8], day: int) -> Groups:
    """A group a user, without those in which nothing was taken to, or everything."""
    sizes = np.bincount(found.users)
    hits = np.bincount(found.users, labels, len(sizes))
    useful = (hits > 0) & (hits < sizes)
    kept = useful[found.users]
    sizes = sizes[useful]
    return Groups(found.features[kept], labels[kept], sizes, np.full(len(sizes), day, np.int32))
