"""A replay in figures: rows of `evaluations`, and who wins."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, product
from typing import Final, NamedTuple

import numpy as np

from recsys_tasks.evaluation.intervals import Interval, intervals
from recsys_tasks.evaluation.judging import part_of
from recsys_tasks.evaluation.measuring import Cut, Measuring, Values, cuts
from recsys_tasks.evaluation.metrics import METRICS
from recsys_tasks.evaluation.natures import Nature
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import SEGMENTS, Segment, Target
from recsys_tasks.threads import threads_of

# Metrics that say how well lists meet behaviour: more is better.
ACCURACY: Final = tuple(
    name for name in METRICS if name not in {"coverage", "novelty", "diversity"}
)


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
        ci_low: Lower end of the 95% bootstrap interval over users; nan for coverage: it has none.
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
    natures = _natures(met)
    with threads_of(len(met.targets) or 1) as threads:  # numpy computes in each
        found = threads.map(partial(_of_target, met, natures), met.targets)
        return list(chain.from_iterable(found))


def _of_target(met: Replay, natures: Mapping[str, Nature], target: Target) -> list[Evaluation]:
    measuring = _measuring(met, target, natures)
    return [row for segment in SEGMENTS for row in _rows(met, target, segment, measuring)]


def differences(
    met: Replay,
    variants: Collection[str],
    *,
    baselines: Collection[str] | None = None,
    metrics: Collection[str] = ACCURACY,
    segments: Sequence[Segment] = SEGMENTS,
) -> list[Difference]:
    """Each of the `variants` beside the best of the `baselines`: of all other names without them.

    The best is chosen for each target, segment, metric and k; of equals, the first in the replay.
    Choosing it on the window itself favours the baselines. Without baselines there are no rows.
    Of the metrics, `coverage` cannot be asked for: it is no mean over user-days.
    """
    found = []
    natures = _natures(met)
    lists = {target: _measuring(met, target, natures) for target in met.targets}
    for target, segment in product(met.targets, segments):
        part = part_of(met, target, segment)
        measured = {name: one.values(part, metrics) for name, one in lists[target].items()}
        rivals_of_all = [
            name
            for name in measured
            if name not in variants and (baselines is None or name in baselines)
        ]
        users = met.user_days.users[part.rows]
        if not (rivals_of_all and len(users)):
            continue
        rivals = [
            (cut_at, variant, _best(measured, rivals_of_all, cut_at))
            for cut_at, variant in product(cuts(met, metrics), variants)
        ]
        gaps = [measured[variant][at] - measured[best][at] for at, variant, best in rivals]
        found += [
            Difference(target, segment, *at, variant, best, gap.mean, gap.low, gap.high, gap.n)
            for (at, variant, best), gap in zip(rivals, intervals(gaps, users), strict=True)
        ]
    return found


def _rows(
    met: Replay, target: Target, segment: Segment, lists: Mapping[str, Measuring]
) -> Iterator[Evaluation]:
    """The rows of one target and segment, variant by variant."""
    part = part_of(met, target, segment)
    users = met.user_days.users[part.rows]
    if not len(users):
        return
    measured = {name: one.values(part) for name, one in lists.items()}
    columns = [(variant, cut_at) for variant in measured for cut_at in measured[variant]]
    means = [(variant, at) for variant, at in columns if not METRICS[at[0]].pooled]
    found = intervals([measured[variant][at] for variant, at in means], users)
    figures = dict(zip(means, found, strict=True))
    for variant, at in columns:
        whole = measured[variant][at]
        figure = figures.get((variant, at)) or Interval(float(whole), np.nan, np.nan, len(users))
        mean, low, high, n = figure
        yield Evaluation(met.until - 1, target, variant, segment, *at, mean, low, high, n)


def _natures(met: Replay) -> dict[str, Nature]:
    """What the lists of every variant are like."""
    return {name: Nature(met, name) for name in met.variants}


def _measuring(met: Replay, target: Target, natures: Mapping[str, Nature]) -> dict[str, Measuring]:
    """The lists of every variant."""
    return {name: Measuring(met, target, name, nature) for name, nature in natures.items()}


def _best(measured: dict[str, Values], baselines: Sequence[str], cut_at: Cut) -> str:
    """The baseline with the greatest mean over the user-days on which it is defined."""

    def mean(name: str) -> float:
        column = measured[name][cut_at]
        defined = column[~np.isnan(column)]
        return float(defined.mean()) if len(defined) else -np.inf

    return max(baselines, key=mean)
