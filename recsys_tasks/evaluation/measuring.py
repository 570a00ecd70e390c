"""Every metric of a variant's lists, segment by segment.

Most lists hit nothing, and a metric of hits is then 0; what a list is like, whoever meets it, is
the same in every segment. So the first are measured where something was hit, the second once.
"""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.judging import cut, judge_part, part_of, unjudged
from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.natures import Nature
from recsys_tasks.evaluation.parts import Part
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import Segment, Target
from recsys_tasks.interactions import NO_ROW

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

    def __init__(
        self, met: Replay, target: Target, variant: str, nature: Nature | None = None
    ) -> None:
        """Nothing is measured yet; `nature` is of that variant, and may serve every target."""
        self.met, self.target, self.variant = met, target, variant
        self._nature = nature or Nature(met, variant)
        self.whole = part_of(met, target, "all")
        self._n_relevant = self.whole.n_relevant
        self._wholes: Values = {}

    def values(self, part: Part, metrics: Collection[str] = METRICS.keys()) -> Values:
        """Each metric at each k on user-days of the target, shape (n,); shape () if pooled."""
        places = self.met.lists[self.target, self.variant].places[part.pairs]
        is_hit = np.zeros(len(part.rows), np.bool_)
        is_hit[part.position[places != NO_ROW]] = True
        judged = judge_part(self.met, self.target, self.variant, part.take(is_hit))
        at_k = {k: cut(judged, k) for k in self.met.ks}
        lists = unjudged(self.met, self.target, self.variant, part)
        found: Values = {}
        for name, k in cuts(self.met, metrics):
            metric = METRICS[name]
            if metric.by_hits and k is not None:
                found[name, k] = np.zeros(len(part.rows))
                found[name, k][is_hit] = metric.measure(at_k[k])
            elif metric.pooled:
                found[name, k] = metric.measure(lists if k is None else cut(lists, k))
            elif k is None:
                found[name, k] = self._of_pairs(name, part)
            else:
                found[name, k] = self._nature.values(self.target, name, k)[part.rows]
        return found

    def _of_pairs(self, name: str, part: Part) -> NDArray[np.float64]:
        """What items win: a user-day with all its relevant items in the part has it measured."""
        measure = METRICS[name].measure
        if (name, None) not in self._wholes:
            lists = unjudged(self.met, self.target, self.variant, self.whole)
            self._wholes[name, None] = measure(lists)
        rows = np.searchsorted(self.whole.rows, part.rows)
        found = self._wholes[name, None][rows]
        is_cut = part.n_relevant < self._n_relevant[rows]
        some = unjudged(self.met, self.target, self.variant, part.take(is_cut))
        found[is_cut] = measure(some)
        return found
