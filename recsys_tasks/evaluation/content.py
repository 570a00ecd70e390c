"""The zero-shot model as a variant of the protocol.

The night reaches a user's state by a recurrence over stored deltas; here it is one sparse product
over the whole past. Both are the same function (tested), so a backtest is about the lists that a
night would make.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import Decayed, retention
from recsys_tasks.evaluation.popularity import Popularity
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import ZeroShot, centre_of, contributions, log_trends


@dataclass
class Content:
    """The model of interest_model.py, on what precedes the day.

    Attributes:
        model: Its parameters.
        vectors: Of items, by row of the catalogue, then of what users wrote, (n_vectors, dim).
        name: In `evaluations`.
    """

    model: ZeroShot
    vectors: NDArray[np.float32]
    name: str = "content"
    _catalogue: Catalogue = field(init=False, repr=False)
    _popularity: list[Popularity] = field(init=False, repr=False)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing is learned; counts start."""
        del past, day
        self._catalogue = catalogue
        self._popularity = [
            Popularity(len(catalogue), half_life) for half_life in self.model.trend_half_lives
        ]

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The model's scores, as of the end of the day before `day`; shape (n, n_items)."""
        catalogue = self._catalogue
        centre = centre_of(catalogue.vectors[catalogue.since < day])
        state = state_of(past, users, self.vectors, self.model.half_lives, day - 1)
        user_side = self.model.user_side(self.model.interests(state, centre))
        return user_side @ self.model.item_side(catalogue.vectors, self._log_trends(past, day)).T

    def _log_trends(self, past: Interactions, day: int) -> NDArray[np.float32]:
        """As the night reads them: yesterday counts in full."""
        grown = 1 / retention(1.0, self.model.trend_half_lives)
        counts = [popularity.before(past, day) for popularity in self._popularity]
        return log_trends(np.stack(counts, axis=1) * grown)


def state_of(
    past: Interactions,
    users: NDArray[np.int32],
    vectors: NDArray[np.float32],
    half_lives: tuple[float, ...],
    night: int,
) -> Decayed:
    """What the night's recurrence ends in, computed in parallel.

    Args:
        past: Interactions until the night, inclusive.
        users: Distinct rows of users, shape (n,).
        vectors: That `past.items` and `past.texts` are rows of, shape (n_vectors, dim).
        half_lives: In days.
        night: The night that the state is seen from.

    Returns:
        Of n users: totals with the signed weight as the last coordinate, as in interest_model.py.
    """
    position = np.full(max(past.users.max(initial=0), users.max(initial=0)) + 1, NO_ROW, np.int32)
    position[users] = np.arange(len(users))
    theirs = past.where(position[past.users] != NO_ROW)
    brought = contributions(theirs, vectors)
    rows = position[theirs.users[brought.interactions]]
    gammas = retention(night + 1 - theirs.times[brought.interactions], half_lives)
    homogeneous = np.column_stack([vectors, np.ones(len(vectors), np.float32)])
    shape = (len(users), len(vectors))
    totals, masses = [], []
    for gamma in gammas.T:
        aged = brought.weights * gamma
        totals.append(sparse.csr_array((aged, (rows, brought.rows)), shape) @ homogeneous)
        masses.append(np.bincount(rows, np.abs(aged), len(users)))
    return Decayed(
        np.stack(totals, axis=1).astype(np.float32),
        np.stack(masses, axis=1).astype(np.float32),
        np.full(len(users), night, np.int32),
    )
