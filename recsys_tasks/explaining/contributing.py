"""What the last interactions of many users bring to their side of the score.

Decay is linear, so the personal part of a score is a sum over the user's interactions and the
prior. An interaction e with the weight w gives to an item

    w * sum_h gamma_h * gain_h * <in(e), out_h(item)>

with gamma_h what is left of it at the half-life h, and gain_h the model's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import Contributions, InterestModel, contributions


class Contributors(NamedTuple):
    """The last L interactions of n users, newest last, with what each brings; shape (n, L, ...).

    Attributes:
        interactions: Row among the interactions; NO_ROW where the user has fewer.
        vectors: Row of the vector that it added.
        coefficients: What inner products with an item's vectors are multiplied by, one for each of
            the model's blocks, shape (n, L, n_blocks).
        weights: Signed, as the model has them.
        are_texts: Whether that vector is of what the user wrote.
    """

    interactions: NDArray[np.int32]
    vectors: NDArray[np.int32]
    coefficients: NDArray[np.float32]
    weights: NDArray[np.float32]
    are_texts: NDArray[np.bool_]

    def newest(self, users: NDArray[np.intp], length: int) -> "Contributors":
        """The last `length` interactions of some users."""
        first = self.interactions.shape[1] - length
        return Contributors(
            self.interactions[users, first:],
            self.vectors[users, first:],
            self.coefficients[users, first:],
            self.weights[users, first:],
            self.are_texts[users, first:],
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
    order, places = last_places(users, length)
    last = brought.at(order)
    at = (users[order], places)
    ages = night + 1 - history.times[last.interactions]
    shares = retention(ages, model.half_lives) * model.gains(masses)[at[0]]
    coefficients = by_block(model, last.weights[:, None] * shares)
    return _spread(last, coefficients, at, (len(masses), length))


def last_places(users: NDArray[np.int32], length: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which rows, in order of time, are among their user's last, and their places: newest last.

    Returns:
        The rows, by user, and a place in [0, length) for each.
    """
    order = np.argsort(users, kind="stable")
    ordered = users[order]
    # From the end of each user's rows backwards: the newest stands last.
    behind = np.searchsorted(ordered, ordered, side="right") - np.arange(len(users))
    recent = behind <= length
    return order[recent], length - behind[recent]


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
        np.zeros(shape, np.float32),
        np.zeros(shape, np.bool_),
    )
    found.interactions[at], found.vectors[at] = last.interactions, last.rows
    found.coefficients[at] = coefficients
    found.weights[at], found.are_texts[at] = last.weights, last.are_texts
    return found


def meanings(
    model: InterestModel, inputs: NDArray[np.float32], centre: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Inputs in the space of an item's vectors: (n_vectors, rank / n_blocks).

    A model whose totals have a coordinate more sums signed weights in it, to take the centre off.
    """
    width = model.rank(len(centre)) // model.n_blocks
    if inputs.shape[1] == width:
        return inputs
    return inputs[:, :width] - inputs[:, width:] * centre


def by_block(model: InterestModel, by_half_life: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coefficients of an item's vectors, (n, n_blocks), from those of half-lives, (n, H)."""
    return by_half_life if model.n_blocks > 1 else by_half_life.sum(axis=1, keepdims=True)
