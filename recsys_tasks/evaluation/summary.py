"""A replay in figures: rows of `evaluations`, and who wins."""

from collections.abc import Collection, Iterator, Sequence
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.intervals import Interval, intervals
from recsys_tasks.evaluation.judging import cut, in_segment, judge
from recsys_tasks.evaluation.metrics import METRICS, Judged
from recsys_tasks.evaluation.protocol import Replay
from recsys_tasks.evaluation.user_days import SEGMENTS, Segment, Target

# Metrics that say how well lists meet behaviour: more is better.
ACCURACY: Final = tuple(
    name for name in METRICS if name not in {"coverage", "novelty", "diversity"}
)

Cut = tuple[str, int | None]  # a metric, and the k at which lists are cut for it
Values = dict[Cut, NDArray[np.float64]]


class Evaluation(NamedTuple):
    """A row of `evaluations`.

    Attributes:
        night: The last day whose behaviour the lists met.
        target: `new` or `all`.
        variant: Name of the variant or baseline.
        segment: As in `Segment`.
        metric: As in `METRICS`.
        k: Where lists were cut; None for the whole catalogue.
        value: Mean over user-days; nan where undefined on all of them.
        ci_low: Lower end of the 95% bootstrap interval over users; nan for coverage, which has none.
        ci_high: Its upper end.
        n: User-days on which the metric is defined.
    """

    night: int
    target: str
    variant: str
    segment: str
    metric: str
    k: int | None
    value: float
    ci_low: float
    ci_high: float
    n: int


class Difference(NamedTuple):
    """A variant beside the best baseline, on the same user-days.

    Attributes:
        target: `new` or `all`.
        segment: As in `Segment`.
        metric: As in `METRICS`.
        k: Where lists were cut; None for the whole catalogue.
        variant: Name of the variant.
        baseline: The baseline with the greatest mean.
        difference: Mean of the variant minus mean of the baseline.
        ci_low: Lower end of the paired 95% bootstrap interval over users.
        ci_high: Its upper end.
        n: User-days.
    """

    target: str
    segment: str
    metric: str
    k: int | None
    variant: str
    baseline: str
    difference: float
    ci_low: float
    ci_high: float
    n: int

    @property
    def wins(self) -> bool:
        """Whether the variant is better beyond noise: the whole interval lies above 0."""
        return self.ci_low > 0


def summarise(met: Replay) -> list[Evaluation]:
    """Every metric of every variant, target and segment over the whole window.

    A user-day counts in a segment if something is relevant there. A segment without user-days
    has no rows.
    """
    groups = product(_targets(met), SEGMENTS)
    return [row for target, segment in groups for row in _rows(met, target, segment)]


def values(met: Replay, target: Target, variant: str, segment: Segment = "all") -> Values:
    """Each metric at each k on the user-days of a segment, shape (n,); shape () if pooled."""
    judged = judge(met, target, variant, segment)
    at_k = {k: cut(judged, k) for k in met.ks}
    found: Values = {}
    for name, metric in METRICS.items():
        for k in met.ks if metric.at_k else (None,):
            found[name, k] = metric.measure(judged if k is None else at_k[k])
    return found


def differences(
    met: Replay,
    variants: Collection[str],
    *,
    metrics: Sequence[str] = ACCURACY,
    segments: Sequence[Segment] = SEGMENTS,
) -> list[Difference]:
    """Each of the `variants` beside the best baseline: the best of all other names in the replay.

    The best is chosen for each target, segment, metric and k; of equals, the first in the replay.
    Choosing it on the window itself favours the baselines. Without baselines there are no rows.
    """
    found = []
    for target, segment in product(_targets(met), segments):
        measured = _measured(met, target, segment)
        baselines = [name for name in measured if name not in variants]
        users = met.user_days.users[in_segment(met, target, segment)]
        if not (baselines and len(users)):
            continue
        pairs = [
            (cut_at, variant, _best(measured, baselines, cut_at))
            for cut_at, variant in product(_cuts(met, metrics), variants)
        ]
        gaps = [measured[variant][cut_at] - measured[best][cut_at] for cut_at, variant, best in pairs]
        found += [
            Difference(target, segment, *cut_at, variant, best, *gap)
            for (cut_at, variant, best), gap in zip(pairs, intervals(gaps, users), strict=True)
        ]
    return found


def _rows(met: Replay, target: Target, segment: Segment) -> Iterator[Evaluation]:
    """The rows of one target and segment, variant by variant."""
    users = met.user_days.users[in_segment(met, target, segment)]
    if not len(users):
        return
    measured = _measured(met, target, segment)
    columns = [(variant, key) for variant, found in measured.items() for key in found]
    means = [pair for pair in columns if not METRICS[pair[1][0]].pooled]
    found = intervals([measured[variant][key] for variant, key in means], users)
    figures = dict(zip(means, found, strict=True))
    for variant, key in columns:
        pooled = Interval(float(measured[variant][key].mean()), np.nan, np.nan, len(users))
        figure = figures.get((variant, key), pooled)
        yield Evaluation(met.until - 1, target, variant, segment, *key, *figure)


def _measured(met: Replay, target: Target, segment: Segment) -> dict[str, Values]:
    """The values of every variant."""
    names = [name for found, name in met.lists if found == target]
    return {name: values(met, target, name, segment) for name in names}


def _best(measured: dict[str, Values], baselines: Sequence[str], cut_at: Cut) -> str:
    """The baseline with the greatest mean."""
    return max(baselines, key=lambda name: float(np.nanmean(measured[name][cut_at])))


def _cuts(met: Replay, metrics: Sequence[str]) -> Iterator[Cut]:
    for name in metrics:
        for k in met.ks if METRICS[name].at_k else (None,):
            yield name, k


def _targets(met: Replay) -> list[Target]:
    return list(dict.fromkeys(target for target, _ in met.lists))
