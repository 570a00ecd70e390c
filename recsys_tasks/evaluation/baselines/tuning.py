"""Settings chosen on the days before the window, by replaying them.

What a baseline chooses falls into two: how to learn, which is dear, and how to read what was learnt
(the half-life of the histories, say), which is cheap. So a model is learnt once for each way of
learning, on what precedes the tuning days, and read in every way on those days. The pair with the
best mean nDCG@10, target `new`, is kept, and learnt anew on all that precedes the window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation.judging import judge
from recsys_tasks.evaluation.metrics import ndcg
from recsys_tasks.evaluation.protocol import replay
from recsys_tasks.interactions import Catalogue, Interactions

log = structlog.get_logger()

LEARNT_SHARE: Final = 0.9  # of the interactions before the window; the rest is tuned on
MAX_DAYS: Final = 28
MAX_USER_DAYS: Final = 1000
K: Final = 10

Learning = TypeVar("Learning")
Reading = TypeVar("Reading")
Reading_contra = TypeVar("Reading_contra", contravariant=True)


class Model(Protocol[Reading_contra]):
    """What was learnt, still to be read in one way or another."""

    def scores(
        self, past: Interactions, users: NDArray[np.int32], day: int, reading: Reading_contra
    ) -> NDArray[np.float32]:
        """As `Scorer.scores`, read in the given way."""


@dataclass
class Tuned(Generic[Learning, Reading]):
    """A baseline that tunes itself when it is first fitted; later fits keep what was chosen.

    One object serves one history: that of its first fit, and what extends it.

    Attributes:
        name: As in `evaluations`.
        learn: Learns in one way from what precedes a day.
        learnings: The ways to learn; the first where there is nothing to tune on.
        readings: The ways to read; likewise.
        chosen: The way to learn and the way to read, once fitted.
        models: What was learnt in the chosen way, by the day that it knows nothing of: the latest
            fit and, after the first, the one that was tuned with.
    """

    name: str
    learn: Callable[[Interactions, Catalogue, int, Learning], Model[Reading]]
    learnings: Sequence[Learning]
    readings: Sequence[Reading]
    chosen: tuple[Learning, Reading] | None = None
    models: dict[int, Model[Reading]] = field(default_factory=dict, repr=False)
    _day: int = 0

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Choose, if nothing is chosen yet, and learn from what precedes `day`."""
        self.models = {}
        if self.chosen is None:
            self.chosen = self._choose(past, catalogue, day)
        self.models[day] = self.learn(past, catalogue, day, self.chosen[0])
        self._day = day

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The latest fit, read in the chosen way; shape (n, n_items)."""
        _, reading = self.choice
        return self.models[self._day].scores(past, users, day, reading)

    @property
    def choice(self) -> tuple[Learning, Reading]:
        """The chosen ways to learn and to read; the first of each before the first fit."""
        return self.chosen or (self.learnings[0], self.readings[0])

    def _choose(
        self, past: Interactions, catalogue: Catalogue, day: int
    ) -> tuple[Learning, Reading]:
        """The best pair on the tuning days; of equals, the first."""
        since = tuning_since(past, day)
        best, chosen = -1.0, self.choice
        for learning in self.learnings:
            model = self.learn(past.before(since), catalogue, since, learning)
            means = _mean_ndcg(model, self.readings, past, catalogue, since, day)
            place = int(np.argmax(means))
            if means[place] > best:
                best, chosen = means[place], (learning, self.readings[place])
                self.models = {since: model}
        log.info("tuned a baseline", baseline=self.name, chosen=chosen, ndcg=round(best, 4))
        return chosen


@dataclass(frozen=True)
class _Read(Generic[Reading]):
    """A model read in one way, as a scorer that has learnt already."""

    name: str
    model: Model[Reading]
    reading: Reading

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing: the model has learnt."""

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        return self.model.scores(past, users, day, self.reading)


def tuning_since(past: Interactions, day: int) -> int:
    """The first tuning day: the last 10% of what precedes `day`, whole days, at most 28."""
    if not len(past):
        return day
    start = past.times[int(LEARNT_SHARE * len(past))]
    return max(int(np.floor(start)), day - MAX_DAYS)


def _mean_ndcg(
    model: Model[Reading],
    readings: Sequence[Reading],
    past: Interactions,
    catalogue: Catalogue,
    since: int,
    until: int,
) -> list[float]:
    """Mean nDCG@10, target `new`, of each way to read; 0 where there is nothing to tune on."""
    scorers = [_Read(str(place), model, reading) for place, reading in enumerate(readings)]
    n_users = int(past.users.max(initial=-1)) + 1
    try:
        met = replay(
            past,
            catalogue,
            n_users,
            scorers,
            since,
            until,
            ks=(K,),
            targets=("new",),
            max_user_days=MAX_USER_DAYS,
        )
    except NothingToEvaluate:
        return [0.0] * len(readings)
    lists = [judge(met, "new", scorer.name, "all") for scorer in scorers]
    values = [ndcg(judged.hits, judged.n_relevant) for judged in lists]
    return [float(value.mean()) if len(value) else 0.0 for value in values]
