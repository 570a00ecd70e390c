"""What lists are like, whoever meets them: metrics that ask for no hits.

Many lists are the same: a baseline's are everyone's but for what each user touched, and what was
published is mostly one list for both targets. So of some thousands each is measured once.
"""

from functools import partial
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics import METRICS, Judged
from recsys_tasks.evaluation.replays import THREADS, Replay
from recsys_tasks.evaluation.user_days import Target
from recsys_tasks.threads import threads_of

AT_ONCE: Final = 4096  # user-days
NAMES: Final = tuple(
    name
    for name, metric in METRICS.items()
    if metric.at_k and not (metric.by_hits or metric.pooled)
)

Found = dict[tuple[str, int], NDArray[np.float64]]  # by metric and k, shape (n_targets, n)


class Nature:
    """What the lists of a variant are like, for every target; measured when it is first asked."""

    def __init__(self, met: Replay, variant: str) -> None:
        """Of one variant of a replay."""
        self._met = met
        self._lists = [met.lists[target, variant] for target in met.targets]
        self._found: Found = {}
        self._turn = Lock()  # two targets ask at once

    def values(self, target: Target, name: str, k: int) -> NDArray[np.float64]:
        """A metric of NAMES at k on all n user-days, whatever is relevant on them, shape (n,)."""
        with self._turn:
            self._found = self._found or self._measured()
        found: NDArray[np.float64] = self._found[name, k][self._met.targets.index(target)]
        return found

    def _measured(self) -> Found:
        met, n = self._met, len(self._met.user_days)
        found = {(name, k): np.empty((len(self._lists), n)) for name in NAMES for k in met.ks}
        has_vector = np.asarray(met.catalogue.vectors.any(axis=1))
        parts = [slice(start, min(start + AT_ONCE, n)) for start in range(0, n, AT_ONCE)]
        with threads_of(THREADS) as threads:
            list(threads.map(partial(self._measure, found, has_vector), parts))
        return found

    def _measure(self, found: Found, has_vector: NDArray[np.bool_], part: slice) -> None:
        """Write into `found` what is true of some user-days."""
        met, shape = self._met, (len(self._lists), part.stop - part.start)
        ranked = np.concatenate([lists.ranked[part] for lists in self._lists])
        days = np.tile(met.user_days.days[part], len(self._lists))
        first, which = distinct(ranked, days)
        ranked = ranked[first]
        popularity = np.concatenate([lists.popularity[part] for lists in self._lists])[first]
        total = np.tile(met.total[part], len(self._lists))[first]
        for (name, k), values in found.items():
            lists = Judged.unmet(
                ranked[:, :k], popularity[:, :k], total, met.catalogue.vectors, has_vector
            )
            values[:, part] = METRICS[name].measure(lists)[which].reshape(shape)


def distinct(
    ranked: NDArray[np.int32], days: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first of all lists that are the same, and whose like each list is.

    Args:
        ranked: n lists, shape (n, k).
        days: On which they were shown, shape (n,): lists of two days differ.

    Returns:
        Positions of the m first ones, in no order; and which of them each list is like, (n,).
    """
    _, first, which = np.unique(_sums(ranked, days), return_index=True, return_inverse=True)
    if (ranked[first[which]] != ranked).any() or (days[first[which]] != days).any():
        everyone = np.arange(len(ranked))  # two lists had one sum
        return everyone, everyone
    return first, which


def _sums(ranked: NDArray[np.int32], days: NDArray[np.int32]) -> NDArray[np.int64]:
    """A number a list and day, shape (n,): that of two which differ is hardly ever the same."""
    odd = np.random.default_rng(0).integers(2**62, size=ranked.shape[1] + 1) * 2 + 1
    sums: NDArray[np.int64] = (ranked * odd[1:]).sum(axis=1) + days * odd[0]  # as they overflow
    return sums
