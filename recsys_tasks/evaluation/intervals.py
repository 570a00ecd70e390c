"""How sure a mean is: 95% bootstrap intervals over users.

A user's days resemble one another, so users are drawn, each with all their user-days: the cluster
bootstrap of Field and Welsh (JRSS B 2007). A mean over user-days is a ratio of two sums over users,
and a resample weighs each user by how often it drew them: all resamples are one matrix product.

Of many users, random groups of equal size are drawn in their place: the mean of a group varies as a
user's does, by its size less, so the intervals are as wide, and cost no more than those of GROUPS
users (docs/adr/0021-groups-of-users-are-drawn.md).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share

RESAMPLES: Final = 1000
TAIL: Final = 2.5  # per cent on each side
GROUPS: Final = 1024


class Interval(NamedTuple):
    """A mean over user-days with its interval.

    Attributes:
        mean: Mean of what is defined; nan where nothing is.
        low: Lower end; the mean itself if there is one user.
        high: Upper end.
        n: User-days on which the metric is defined.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign of the mean is beyond noise."""
        return self.low > 0 or self.high < 0


def interval(values: NDArray[np.float64], users: NDArray[np.int32], *, seed: int = 0) -> Interval:
    """The mean of one metric with its interval.

    >>> interval(np.array([1.0, 0.0, np.nan]), np.array([0, 1, 2], np.int32))
    Interval(mean=0.5, low=0.0, high=1.0, n=2)
    """
    return intervals([values], users, seed=seed)[0]


def difference(
    variant: NDArray[np.float64],
    baseline: NDArray[np.float64],
    users: NDArray[np.int32],
    *,
    seed: int = 0,
) -> Interval:
    """How much better `variant` is than `baseline` on the same user-days: a paired bootstrap.

    Pairing takes out how hard a user-day is. The variant wins, or loses, if the interval excludes
    0: Sakai, Evaluating evaluation metrics based on the bootstrap (SIGIR 2006).
    """
    return interval(variant - baseline, users, seed=seed)


def intervals(
    columns: Sequence[NDArray[np.float64]],
    users: NDArray[np.int32],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Interval]:
    """Percentile intervals of many metrics, which all see the same resamples.

    Args:
        columns: Values over user-days, each of shape (n,); nan where undefined.
        users: Row of the user of each user-day, shape (n,).
        resamples: How often the users are drawn anew.
        seed: The same seed, users and values give the same intervals.
    """
    n_users, rows = _distinct(users)
    groups = _drawn_together(n_users, seed)
    n_groups = int(groups.max(initial=-1)) + 1
    sums, total = np.empty((n_groups, len(columns))), np.zeros(len(columns))
    counts = np.empty_like(sums)
    counts[:] = np.bincount(groups[rows], minlength=n_groups)[:, None]
    for at, column in enumerate(columns):
        # Most lists hit nothing, and adding 0 changes no bit.
        some = np.flatnonzero(column)
        undefined = np.isnan(column[some])
        counts[:, at] -= np.bincount(groups[rows[some[undefined]]], minlength=n_groups)
        some = some[~undefined]
        of_users = np.bincount(rows[some], column[some], n_users)
        users_with = np.flatnonzero(of_users)
        sums[:, at] = np.bincount(groups[users_with], of_users[users_with], n_groups)
        # One after the other, as they come: the mean owes nothing to the groups.
        total[at] = np.add.accumulate(of_users[users_with])[-1] if len(users_with) else 0.0
    n = counts.sum(axis=0)
    ends = np.full((2, len(n)), np.nan)
    if (known := n > 0).any():
        means = _resampled(sums[:, known], counts[:, known], resamples, seed)
        # Without nan, which few resamples have, nanpercentile gives the same more slowly.
        percentile = np.nanpercentile if np.isnan(means).any() else np.percentile
        ends[:, known] = percentile(means, [TAIL, 100 - TAIL], axis=0)
    parts = (share(total, n), *ends, n.astype(np.int64))
    return [Interval(*figures) for figures in zip(*(part.tolist() for part in parts), strict=True)]


def _distinct(users: NDArray[np.int32]) -> tuple[int, NDArray[np.intp]]:
    """How many users there are, and which of them each user-day's is, in ascending order."""
    if (np.diff(users) > 0).all():  # of one day
        return len(users), np.arange(len(users))
    known, rows = np.unique(users, return_inverse=True)
    return len(known), rows


def _drawn_together(n_users: int, seed: int) -> NDArray[np.intp]:
    """The group of each user, shape (n_users,): the user alone, or one of GROUPS of equal size."""
    if n_users <= GROUPS:
        return np.arange(n_users)
    return np.random.default_rng(seed).permutation(n_users) % GROUPS


@lru_cache(maxsize=8)  # the segments of a day, of every variant; of GROUPS, 8 MB each
def _draws(n: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each resample draws each of n, shape (resamples, n)."""
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), resamples)
    return draws.astype(np.float64)


def _resampled(
    sums: NDArray[np.float64], counts: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    """Means of each resample, shape (resamples, m); nan where none of its user-days is defined."""
    draws = _draws(len(sums), resamples, seed)
    # Most metrics are defined on the same user-days; whole numbers add up alike in any order.
    kinds = [column.tobytes() for column in counts.T]
    distinct = {kind: at for at, kind in enumerate(kinds)}
    order = {kind: place for place, kind in enumerate(distinct)}
    defined = draws @ counts[:, [*distinct.values()]]
    return share(draws @ sums, defined[:, [order[kind] for kind in kinds]])
