"""Whether a model that was learned with noise is better, told with noise too."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interest_model import InterestModel
from recsys_tasks.training.examples import Examples
from recsys_tasks.training.options import TrainingData
from recsys_tasks.training.private.reading import Reader, by_day, latest
from recsys_tasks.training.private.releasing import GRID, Telling
from recsys_tasks.trends import ToldDays

K: Final = 10
MOST_GAP: Final = 0.5  # that a user's gain or loss counts at most
_CELLS: Final = ("users", "ndcg", "gain", "square")
LENGTH: Final = 2.0  # of what a user adds to the four of them, each at most 1
_AT_ONCE: Final = 64
_95_PERCENT: Final = 1.96


class Verdict(NamedTuple):
    """What users' lists would have been worth, a user as much as another.

    Attributes:
        n_users: About how many were judged.
        candidate_ndcg: Mean NDCG@10 of the candidate, target `new`.
        rival_ndcg: Of the other one.
        difference: Of the means.
        ci_low: Lower end of its 95% interval, which covers the noise.
        ci_high: Upper end.
    """

    n_users: int
    candidate_ndcg: float
    rival_ndcg: float
    difference: float
    ci_low: float
    ci_high: float


def judge(
    found: NDArray[np.float64], theirs: NDArray[np.float64], telling: Telling, rho: float
) -> Verdict | None:
    """Compare what users' lists are worth; None where hardly anybody seems to be there.

    Args:
        found: NDCG@10 of each user by the candidate, shape (n,).
        theirs: By the rival, shape (n,).
        telling: Adds the noise.
        rho: What it may cost.
    """
    gap = np.clip((found - theirs) / MOST_GAP, -1, 1)
    columns = np.stack([np.ones(len(gap)), theirs, gap, gap**2])
    steps = np.trunc(columns * GRID).astype(np.int64).sum(axis=1)
    n, level, gained, squares = telling.tell("judging", _CELLS, steps, LENGTH, rho).tolist()
    noise = LENGTH / np.sqrt(2 * rho)
    if n < 1 + _95_PERCENT * noise:
        return None
    mean = float(np.clip(gained / n, -1, 1))
    spread = max(squares / n - mean**2, 0.0) / n + (noise / n) ** 2 * (1 + mean**2)
    width = _95_PERCENT * np.sqrt(spread) * MOST_GAP
    level, gain = min(max(level / n, 0.0), 1.0), mean * MOST_GAP
    return Verdict(round(n), level + gain, level, gain, float(gain - width), float(gain + width))


def ndcg(
    data: TrainingData, told: ToldDays, model: InterestModel, days: range
) -> NDArray[np.float64]:
    """Of each user who took to something new on these days, the mean over them: NDCG@10."""
    past = data.interactions.before(days.stop)
    examples = latest(past, days.start, days.stop, len(days))
    reader = Reader(data, told, model)
    values = []
    before_these = range(int(told.told.min(initial=days.start)), days.start)
    for day in before_these:
        reader.facts(day)  # rounding owes nothing to who was there on which day
    for day, asked in by_day(past, examples, days, _AT_ONCE):
        facts = reader.facts(day)
        for theirs, part in asked:
            users = reader.users(theirs, part.users, day)
            values.append(_of_day(reader.scores(theirs, part, users, facts), part))
    _, rows, sizes = np.unique(examples.users, return_inverse=True, return_counts=True)
    return np.bincount(rows, np.concatenate([*values, np.zeros(0)]), len(sizes)) / sizes


def _of_day(scores: NDArray[np.float32], examples: Examples) -> NDArray[np.float64]:
    """NDCG@10 with binary gain and discount log2(rank + 1), shape (n,)."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    discounts = 1 / np.log2(np.arange(2, K + 2))
    found = np.zeros(len(scores))
    for row, items in enumerate(best):
        targets = examples.targets[examples.pointers[row] : examples.pointers[row + 1]]
        is_hit = np.isin(items, targets) & np.isfinite(scores[row, items])
        found[row] = discounts[: len(items)][is_hit].sum() / discounts[: len(targets)].sum()
    return found
