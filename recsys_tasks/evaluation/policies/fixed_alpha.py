"""Interests that follow a fixed alpha, as a variant of the protocol.

A night folds a user's days one after another; here the state of any day is one sparse product over
what precedes it, since the fold has a closed form: each active day has its weight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import Interactions, rows_of
from recsys_tasks.interest_model import UserFacts, centre_of, contributions
from recsys_tasks.interest_scorer import InterestScorer, of_users


@dataclass
class FixedAlphaScorer(InterestScorer):
    """The model over interests that follow a fixed alpha per active day.

    Attributes:
        alpha: As of `decay.FixedAlpha`.
    """

    alpha: float

    def user_side(
        self, past: Interactions, users: NDArray[np.int32], day: int
    ) -> NDArray[np.float32]:
        """The users' side of the score, shape (n, rank + F)."""
        catalogue = self._catalogue
        centre = centre_of(catalogue.vectors[catalogue.since < day])
        theirs = self.model.weigh(of_users(past, users))
        state = fixed_alpha_state_of(theirs, users, self._inputs, self.alpha, day - 1)
        return self.model.user_side(UserFacts(self.model.interests(state, centre), state.masses))


def fixed_alpha_state_of(
    past: Interactions,
    users: NDArray[np.int32],
    inputs: NDArray[np.float32],
    alpha: float,
    night: int,
) -> Decayed:
    """What `decay.FixedAlpha` folds the deltas of all active days into, computed in parallel.

    Args:
        past: Interactions until the night, inclusive.
        users: Distinct rows of users, shape (n,).
        inputs: What the model sums, (n_vectors, width).
        alpha: What an active day leaves of the days before it.
        night: The night that the state is seen from.

    Returns:
        Of n users, in the order of `users`; totals of shape (n, 1, width).
    """
    rows, is_asked = rows_of(users, past.users)
    theirs, rows = past.where(is_asked), rows[is_asked]
    brought = contributions(theirs, inputs)
    rows = rows[brought.interactions]
    ages = night - theirs.days[brought.interactions]
    span = int(ages.max(initial=0)) + 1
    active, places = np.unique(rows * span - ages, return_inverse=True)
    of_day = _weights_of_days(-(-active // span), alpha)
    of_day /= np.bincount(places, np.abs(brought.weights), len(active))
    entries = (brought.weights * of_day[places]).astype(np.float32)
    weighed = sparse.csr_array((entries, (rows, brought.rows)), (len(users), len(inputs)))
    masses = np.bincount(rows, minlength=len(users)) > 0
    return Decayed(
        np.asarray(weighed @ inputs)[:, None],
        masses[:, None].astype(np.float32),
        np.full(len(users), night, np.int32),
    )


def _weights_of_days(users: NDArray[np.intp], alpha: float) -> NDArray[np.float64]:
    """What each active day counts in its user's interest; they sum to 1 a user.

    >>> _weights_of_days(np.array([3, 4, 4, 4]), 0.5).tolist()
    [1.0, 0.25, 0.25, 0.5]

    Args:
        users: The user of each active day, ascending; a user's days in ascending order.
        alpha: What an active day leaves of the days before it.
    """
    places = np.arange(len(users))
    is_first = np.searchsorted(users, users) == places
    n_later = np.searchsorted(users, users, side="right") - 1 - places
    weights: NDArray[np.float64] = np.where(is_first, 1, 1 - alpha) * alpha**n_later
    return weights
