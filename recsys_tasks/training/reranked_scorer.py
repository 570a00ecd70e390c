"""Both stages as a variant of the protocol."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_model import InterestModel
from recsys_tasks.reranking import SecondStage, with_the_rest
from recsys_tasks.reranking.describing import Describer


@dataclass
class RerankedScorer:
    """The second stage over a first one, on what precedes the day.

    Attributes:
        name: In `evaluations`.
        first: The first stage; its items are the catalogue's.
        second: The second stage, likewise.
        vectors: Of items, by row of the catalogue, then of what users wrote.
    """

    name: str
    first: InterestModel
    second: SecondStage
    vectors: NDArray[np.float32]
    _describer: Describer = field(init=False, repr=False)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing is learned; counts start."""
        del past
        self._describer = Describer(self.first, self.second.together, self.vectors, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The second stage's scores of candidates, and below them the first stage's order."""
        found, first = self._describer.candidates(past, users, day)
        return with_the_rest(found, self.second.scores(found), first)
