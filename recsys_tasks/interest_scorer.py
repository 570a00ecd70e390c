"""A model of interests as a variant of the protocol.

The night reaches a user's state by a recurrence over stored deltas; here it is one sparse product
over the whole past. Both are the same function (tested), so a backtest is about the lists that a
night would make.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import Decayed, retention
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import (
    InterestModel,
    ItemFacts,
    UserFacts,
    centre_of,
    contributions,
)
from recsys_tasks.trends import Trends


@dataclass
class InterestScorer:
    """A model, on what precedes the day.

    Attributes:
        name: In `evaluations`.
        model: Its parameters; its items are the catalogue's.
        vectors: Of items, by row of the catalogue, then of what users wrote, (n_vectors, dim).
    """

    name: str
    model: InterestModel
    vectors: NDArray[np.float32]
    _catalogue: Catalogue = field(init=False, repr=False)
    _inputs: NDArray[np.float32] = field(init=False, repr=False)
    _trends: Trends = field(init=False, repr=False)
    _centred_on: tuple[int, NDArray[np.float32]] = field(init=False, repr=False)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing is learned; counts start."""
        del past, day
        self._catalogue = catalogue
        self._inputs = self.model.inputs(self.vectors)
        self._centred_on = (NO_ROW, np.zeros(0, np.float32))
        self._trends = Trends(catalogue, self.model.trend_half_lives)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The model's scores, as of the end of the day before `day`; shape (n, n_items)."""
        return self.user_side(past, users, day) @ self.item_side(self.facts(past, day)).T

    def user_side(
        self, past: Interactions, users: NDArray[np.int32], day: int
    ) -> NDArray[np.float32]:
        """The users' side of the score, shape (n, rank + F)."""
        centre = self._centre_on(day)
        theirs = self.model.weigh(of_users(past, users))
        state = state_of(theirs, users, self._inputs, self.model.half_lives, day - 1)
        return self.model.user_side(UserFacts(self.model.interests(state, centre), state.masses))

    def _centre_on(self, day: int) -> NDArray[np.float32]:
        """Of the texts of items that existed the day before; computed when there are new ones."""
        existed = self._catalogue.since < day
        n = int(np.count_nonzero(existed))
        if n != self._centred_on[0]:
            self._centred_on = (n, centre_of(self._catalogue.vectors[existed]))
        return self._centred_on[1]

    def facts(self, past: Interactions, day: int) -> ItemFacts:
        """What the night before `day` knows of the catalogue's items."""
        return self._trends.before(past, day)

    def item_side(self, facts: ItemFacts) -> NDArray[np.float32]:
        """The items' side of the score, shape (n_items, rank + F)."""
        return self.model.item_side(facts)


def of_users(past: Interactions, users: NDArray[np.int32]) -> Interactions:
    """The interactions of some users."""
    is_asked = np.zeros(max(past.users.max(initial=0), users.max(initial=0)) + 1, np.bool_)
    is_asked[users] = True
    return past.where(is_asked[past.users])


def state_of(
    past: Interactions,
    users: NDArray[np.int32],
    inputs: NDArray[np.float32],
    half_lives: tuple[float, ...],
    night: int,
) -> Decayed:
    """What the night's recurrence ends in, computed in parallel.

    Args:
        past: Interactions until the night, inclusive.
        users: Distinct rows of users, shape (n,).
        inputs: What the model sums, (n_vectors, width); items and texts of `past` are its rows.
        half_lives: In days.
        night: The night that the state is seen from.

    Returns:
        Of n users, in the order of `users`.
    """
    position = np.full(max(past.users.max(initial=0), users.max(initial=0)) + 1, NO_ROW, np.int32)
    position[users] = np.arange(len(users))
    theirs = past.where(position[past.users] != NO_ROW)
    brought = contributions(theirs, inputs)
    rows = position[theirs.users[brought.interactions]]
    gammas = retention(night + 1 - theirs.times[brought.interactions], half_lives)
    shape = (len(users), len(inputs))
    totals, masses = [], []
    for gamma in gammas.T:
        aged = brought.weights * gamma
        totals.append(sparse.csr_array((aged, (rows, brought.rows)), shape) @ inputs)
        masses.append(np.bincount(rows, np.abs(aged), len(users)))
    return Decayed(
        np.stack(totals, axis=1).astype(np.float32),
        np.stack(masses, axis=1).astype(np.float32),
        np.full(len(users), night, np.int32),
    )
