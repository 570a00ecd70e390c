"""How sure a mean is: 95% bootstrap intervals over users.

A user's days resemble one another, so users are drawn, each with all their user-days: the cluster
bootstrap of Field and Welsh (JRSS B 2007). A mean over user-days is a ratio of two sums over users,
and a resample weighs each user by how often it drew them: all resamples are one matrix product.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.evaluation.metrics.share import share

RESAMPLES: Final = 1000
TAIL: Final = 2.5  # per cent on each side
BLOCK_BYTES: Final = 64 * 2**20


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
    values = np.stack(columns, axis=1)
    defined = ~np.isnan(values)
    sums = _by_user(np.where(defined, values, 0.0), users)
    counts = _by_user(defined.astype(np.float64), users)
    n = counts.sum(axis=0)
    ends = np.full((2, len(n)), np.nan)
    if (known := n > 0).any():
        means = _resampled(sums[:, known], counts[:, known], resamples, seed)
        ends[:, known] = np.nanpercentile(means, [TAIL, 100 - TAIL], axis=0)
    parts = (share(sums.sum(axis=0), n), *ends, n.astype(np.int64))
    return [Interval(*figures) for figures in zip(*(part.tolist() for part in parts), strict=True)]


def _by_user(values: NDArray[np.float64], users: NDArray[np.int32]) -> NDArray[np.float64]:
    """Sums over the user-days of each user, shape (n_users, m)."""
    _, rows = np.unique(users, return_inverse=True)
    entries = (np.ones(len(rows)), (rows, np.arange(len(rows))))
    belongs = sparse.csr_array(entries, shape=(int(rows.max(initial=-1)) + 1, len(rows)))
    return np.asarray(belongs @ values)


def _resampled(
    sums: NDArray[np.float64], counts: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    """Means of each resample, shape (resamples, m); nan where none of its user-days is defined."""
    rng, n_users = np.random.default_rng(seed), len(sums)
    # Drawing in blocks bounds memory and does not move the stream of draws.
    block = max(1, BLOCK_BYTES // (8 * n_users))
    means = np.empty((resamples, sums.shape[1]))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        draws = rng.multinomial(n_users, np.full(n_users, 1 / n_users), size).astype(np.float64)
        means[start : start + size] = share(draws @ sums, draws @ counts)
    return means
