"""The best of some scorers on the days before the window."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.baselines.tuning import Tuned
from recsys_tasks.evaluation.protocol import Scorer
from recsys_tasks.interactions import Catalogue, Interactions


def best_before(
    scorers: Sequence[Scorer], past: Interactions, catalogue: Catalogue, day: int
) -> str:
    """The name of the scorer that is best before `day`, chosen as baselines choose their settings.

    The first where there is nothing to choose on.
    """

    def learn(past: Interactions, catalogue: Catalogue, day: int, _: None) -> _AnyOf:
        for scorer in scorers:
            scorer.fit(past, catalogue, day)
        return _AnyOf(scorers)

    tuned = Tuned("half_life", learn, (None,), range(len(scorers)))
    tuned.fit(past, catalogue, day)
    return scorers[tuned.choice[1]].name


class _AnyOf(NamedTuple):
    """Scorers that have learnt, read by their place."""

    scorers: Sequence[Scorer]

    def scores(
        self, past: Interactions, users: NDArray[np.int32], day: int, reading: int
    ) -> NDArray[np.float32]:
        return self.scorers[reading].scores(past, users, day)
