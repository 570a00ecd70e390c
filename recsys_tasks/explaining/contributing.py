"""What the last interactions of many users bring to their side of the score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention
from recsys_tasks.explaining.decomposing import by_block
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import Contributions, InterestModel, contributions


class Contributors(NamedTuple):
    """The last L interactions of n users, newest last, with what each brings; shape (n, L, ...).

    Attributes:
        interactions: Row among the interactions; NO_ROW where the user has fewer.
        vectors: Row of the vector that it added.
        coefficients: What inner products with an item's vectors are multiplied by, one for each of
            the model's blocks, shape (n, L, n_blocks).
        are_liked: Whether its weight is above 0.
        are_texts: Whether that vector is of what the user wrote.
    """

    interactions: NDArray[np.int32]
    vectors: NDArray[np.int32]
    coefficients: NDArray[np.float32]
    are_liked: NDArray[np.bool_]
    are_texts: NDArray[np.bool_]

    def newest(self, users: NDArray[np.intp], length: int) -> "Contributors":
        """The last `length` interactions of some users."""
        return Contributors(
            self.interactions[users, -length:],
            self.vectors[users, -length:],
            self.coefficients[users, -length:],
            self.are_liked[users, -length:],
            self.are_texts[users, -length:],
        )


def contributors(
    model: InterestModel,
    history: Interactions,
    inputs: NDArray[np.float32],
    masses: NDArray[np.float32],
    night: int,
    length: int,
) -> Contributors:
    """What each of the last interactions of every user brings to the user's side of the score.

    Args:
        model: Its weights, half-lives and gains are read.
        history: Interactions until the night, as the preset weighs them; `users` are rows of
            `masses`.
        inputs: What the model sums; `history.items` and `history.texts` are rows of it.
        masses: Of the users, seen from the night, shape (n, H).
        night: The night.
        length: L; an interaction with an item and a text counts as two.
    """
    brought = contributions(model.weigh(history), inputs)
    users = history.users[brought.interactions]
    order = np.argsort(users, kind="stable")
    users = users[order]
    # From the end of each user's interactions backwards: the newest stands last.
    behind = np.searchsorted(users, users, side="right") - np.arange(len(users))
    recent = behind <= length
    at = (users[recent], length - behind[recent])
    last = brought.at(order[recent])
    ages = night + 1 - history.times[last.interactions]
    shares = retention(ages, model.half_lives) * model.gains(masses)[at[0]]
    coefficients = by_block(model, last.weights[:, None] * shares)
    return _spread(last, coefficients, at, (len(masses), length))


def _spread(
    last: Contributions,
    coefficients: NDArray[np.float32],
    at: tuple[NDArray[np.int32], NDArray[np.intp]],
    shape: tuple[int, int],
) -> Contributors:
    """Contributions in their places."""
    found = Contributors(
        np.full(shape, NO_ROW, np.int32),
        np.full(shape, NO_ROW, np.int32),
        np.zeros((*shape, coefficients.shape[1]), np.float32),
        np.zeros(shape, np.bool_),
        np.zeros(shape, np.bool_),
    )
    found.interactions[at], found.vectors[at] = last.interactions, last.rows
    found.coefficients[at] = coefficients
    found.are_liked[at], found.are_texts[at] = last.weights > 0, last.are_texts
    return found
