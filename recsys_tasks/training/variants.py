"""What a backtest trains: the variants `interest` and `reranked`, which share one training.

At the first fit everything is chosen; later ones (weekly retraining) keep what was chosen and learn
the rest anew. Where validation prefers the zero-shot model to the learned one, or a baseline to
both, that serves in its place: what was said not to lose must not lose by being learned.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.baselines import popularity_baselines
from recsys_tasks.evaluation.protocol import Scorer
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.training.learning import Training, train
from recsys_tasks.training.options import TrainingData, TrainingOptions
from recsys_tasks.training.reranked_scorer import RerankedScorer

INTEREST: Final = "interest"
RERANKED: Final = "reranked"


@dataclass
class SharedTraining:
    """One training for several variants.

    Attributes:
        data: The history; only what precedes the day of a fit is read.
        options: How to train.
        training: The latest.
    """

    data: TrainingData
    options: TrainingOptions
    training: Training | None = None
    _day: int | None = field(init=False, default=None)

    def on(self, past: Interactions, day: int) -> Training:
        """The training for a day, once for all who ask."""
        if self.training is None or day != self._day:
            chosen = self.training.choice if self.training else None
            self.training = train(replace(self.data, interactions=past), day, self.options, chosen)
            self._day = day
        return self.training


@dataclass
class TrainedScorer:
    """A variant that is trained when it is fitted.

    Attributes:
        name: INTEREST or RERANKED.
        shared: The training.
    """

    name: str
    shared: SharedTraining
    _scorer: Scorer = field(init=False, repr=False)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Train on what precedes `day`."""
        self._scorer = self._serving(self.shared.on(past, day))
        self._scorer.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """Scores of whatever validation chose; shape (n, n_items)."""
        return self._scorer.scores(past, users, day)

    def _serving(self, training: Training) -> Scorer:
        """The best that this variant may use."""
        data = self.shared.data
        found = training.choice.validation
        # Where nothing could be judged, the zero-shot model serves: the first of equals.
        usable: list[Scorer] = [
            InterestScorer("content", data.zero_shot, data.vectors),
            InterestScorer(INTEREST, training.model, data.vectors),
            *popularity_baselines(),
        ]
        if self.name == RERANKED and training.second_stage is not None:
            second = RerankedScorer(RERANKED, training.model, training.second_stage, data.vectors)
            usable.append(second)
        return max(usable, key=lambda scorer: found.get(scorer.name, -1.0))
