"""Every metric of a variant's lists, segment by segment.

Most lists hit nothing, and a metric of hits is then 0; what a list is like, whoever meets it, is
the same in every segment. So the first are measured where something was hit, the second once.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.judging import Part, cut, find, judge_part, part_of, unjudged
from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import Segment, Target

AT_ONCE: Final = 4096  # lists measured at once

Cut = tuple[str, int | None]  # a metric, and the k at which lists are cut for it
Values = dict[Cut, NDArray[np.float64]]


def cuts(met: Replay, metrics: Collection[str]) -> Iterator[Cut]:
    """The metrics, each with every k at which the replay cuts its lists."""
    for name in metrics:
        for k in met.ks if METRICS[name].at_k else (None,):
            yield name, k


def values(
    met: Replay,
    target: Target,
    variant: str,
    segment: Segment = "all",
    metrics: Collection[str] = METRICS.keys(),
) -> Values:
    """Each metric at each k on the user-days of a segment, shape (n,); shape () if pooled."""
    return Measuring(met, target, variant).values(part_of(met, target, segment), metrics)


class Measuring:
    """A variant's lists for a target: each value is what its metric gives of all lists at once."""

    def __init__(self, met: Replay, target: Target, variant: str) -> None:
        """Find what was hit."""
        self.met, self.target, self.variant = met, target, variant
        self.whole = part_of(met, target, "all")
        truth, ranked = met.user_days, met.lists[target, variant].ranked
        pairs, _ = find(ranked, truth.rows[self.whole.pairs], truth.items[self.whole.pairs])
        self._is_hit = np.zeros(len(truth.items), np.bool_)
        self._is_hit[self.whole.pairs[pairs]] = True
        self._lists: Values = {}

    def values(self, part: Part, metrics: Collection[str] = METRICS.keys()) -> Values:
        """Each metric at each k on user-days of the target, shape (n,); shape () if pooled."""
        is_hit = np.zeros(len(part.rows), np.bool_)
        is_hit[part.position[self._is_hit[part.pairs]]] = True
        judged = judge_part(self.met, self.target, self.variant, part.take(is_hit))
        at_k = {k: cut(judged, k) for k in self.met.ks}
        lists = unjudged(self.met, self.target, self.variant, part)
        found: Values = {}
        for name, k in cuts(self.met, metrics):
            metric = METRICS[name]
            if metric.by_hits and k is not None:
                found[name, k] = np.zeros(len(part.rows))
                found[name, k][is_hit] = metric.measure(at_k[k])
            elif metric.pooled or k is None:
                found[name, k] = metric.measure(lists if k is None else cut(lists, k))
            else:
                if (name, k) not in self._lists:
                    self._lists[name, k] = self._of_lists(name, k)
                rows = np.searchsorted(self.whole.rows, part.rows)
                found[name, k] = self._lists[name, k][rows]
        return found

    def _of_lists(self, name: str, k: int) -> NDArray[np.float64]:
        """What the lists are like, on all user-days of the target."""
        found = np.full(len(self.whole.rows), np.nan)
        nothing = np.zeros(0, np.intp), np.zeros(0, np.int32)
        for start in range(0, len(found), AT_ONCE):
            some = Part(self.whole.rows[start : start + AT_ONCE], *nothing)
            popularity = self.met.lists[self.target, self.variant].popularity[some.rows]
            lists = replace(
                unjudged(self.met, self.target, self.variant, some), popularity=popularity
            )
            found[start : start + AT_ONCE] = METRICS[name].measure(cut(lists, k))
        return found
