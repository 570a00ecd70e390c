"""What attributes say, as a variant of the protocol: the night's lists for users with little past.

Attributes are taken as they stand today, whatever the day: the source keeps no history of them.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.cold_start import expected, still_expected
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_scorer import InterestScorer, of_users, state_of


@dataclass
class ColdScorer:
    """A model of interests, with what attributes say beside it.

    Attributes:
        name: In `evaluations`.
        base: The model.
        values: Profiles by row of the user, shape (n_users, n_values).
    """

    name: str
    base: InterestScorer
    values: sparse.csr_array
    _counts: NDArray[np.float32] = field(init=False, repr=False)
    _told: tuple[int, NDArray[np.float32]] = field(init=False, repr=False)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """As the model does."""
        self.base.fit(past, catalogue, day)
        # Evidence is the same whatever is summed.
        adds = np.asarray(self.base.model.inputs(self.base.vectors).any(axis=1))
        self._counts = adds[:, None].astype(np.float32)
        self._told = (NO_ROW, np.zeros((0, 0), np.float32))

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The model's scores, with what attributes say; shape (n, n_items)."""
        side, masses = self.base.user_side(past, users, day), self._masses(past, users, day)
        told = self._expected(past, day)[users]
        side[:, : told.shape[1]] += still_expected(masses) * told
        return side @ self.base.item_side(self.base.facts(past, day)).T

    def _expected(self, past: Interactions, day: int) -> NDArray[np.float32]:
        """Of every user, shape (n_users, rank); computed once a day."""
        if self._told[0] != day:
            known = np.unique(past.users)
            known = known[self._masses(past, known, day)[:, -1] > 0]
            rank = self.base.model.rank(self.base.vectors.shape[1])
            interests = self.base.user_side(past, known, day)[:, :rank]
            self._told = (day, expected(self.values, self.values[known], interests))
        return self._told[1]

    def _masses(
        self, past: Interactions, users: NDArray[np.int32], day: int
    ) -> NDArray[np.float32]:
        """Decayed evidence of users, shape (n, H)."""
        model = self.base.model
        theirs = model.weigh(of_users(past, users))
        return state_of(theirs, users, self._counts, model.half_lives, day - 1).masses
