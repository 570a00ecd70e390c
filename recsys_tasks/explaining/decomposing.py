"""A user's scores, taken apart exactly.

The personal part of a score is a sum over the user's interactions (decay is linear) and the prior,
the rest a sum over features of the item: trends, and how new it is. An interaction e with the
weight w gives to an item

    w * sum_h gamma_h * gain_h * <in(e), out_h(item)>

with gamma_h what is left of it at the half-life h, and gain_h the model's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import Decayed, retention
from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import InterestModel, UserFacts, contributions


class Decomposition(NamedTuple):
    """What a user's scores of n_items consist of; the parts add up to the scores.

    Attributes:
        interactions: Row of the interaction of each of n contributions, in order of time.
        are_texts: Whether a contribution is of what the user wrote, shape (n,).
        by_interaction: What each gives, shape (n, n_items).
        by_feature: What each feature of the items gives, shape (F, n_items); see `horizons`.
        by_prior: What everybody has to start with gives, shape (n_items,).
    """

    interactions: NDArray[np.intp]
    are_texts: NDArray[np.bool_]
    by_interaction: NDArray[np.float32]
    by_feature: NDArray[np.float32]
    by_prior: NDArray[np.float32]

    @property
    def scores(self) -> NDArray[np.float32]:
        """Of the items, shape (n_items,)."""
        summed: NDArray[np.float32] = (
            self.by_interaction.sum(axis=0) + self.by_feature.sum(axis=0) + self.by_prior
        )
        return summed


def decompose(
    model: InterestModel,
    history: Interactions,
    inputs: NDArray[np.float32],
    item_side: NDArray[np.float32],
    centre: NDArray[np.float32],
    night: int,
) -> Decomposition:
    """Take a user's scores apart.

    Args:
        model: Already `at` the items that `inputs` begin with.
        history: All that the user did until the night, in ascending time, as the preset weighs it.
        inputs: What the model sums; `history.items` and `history.texts` are rows of it.
        item_side: Of the items that are asked about, shape (n_items, rank + F).
        centre: Of the catalogue's texts, shape (dim,).
        night: The night.
    """
    brought = contributions(model.weigh(history), inputs)
    gammas = retention(night + 1 - history.times[brought.interactions], model.half_lives)
    masses = (np.abs(brought.weights)[:, None] * gammas).sum(axis=0, keepdims=True)
    blocks = blocks_of(model, item_side, len(centre))
    coefficients = by_block(model, brought.weights[:, None] * gammas * model.gains(masses))
    vectors = meanings(model, inputs, centre)[brought.rows]
    shape = (1, len(model.half_lives), model.width(len(centre)))
    nothing = Decayed(np.zeros(shape, np.float32), masses, np.array([night], np.int32))
    prior = model.interests(nothing, centre)
    features = model.user_side(UserFacts(prior, masses))[0, prior.shape[-1] :]
    return Decomposition(
        brought.interactions,
        brought.are_texts,
        np.einsum("nb,nd,ibd->ni", coefficients, vectors, blocks, optimize=True),
        features[:, None] * item_side[:, prior.shape[-1] :].T,
        item_side[:, : prior.shape[-1]] @ prior[0].sum(axis=0),
    )


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


def horizons(model: InterestModel, n_features: int) -> NDArray[np.float32]:
    """Which of K horizons each feature of an item tells of, as ones: (F, K), or (F, K + 1).

    Features are one number a trend half-life, or two; what follows them tells how new the item is,
    which is the last column.
    """
    n_trends = len(model.trend_half_lives)
    trends = np.eye(n_trends, dtype=np.float32)
    if n_features == n_trends:
        return trends
    groups = np.zeros((n_features, n_trends + 1), np.float32)
    groups[: 2 * n_trends, :n_trends] = np.tile(trends, (2, 1))
    groups[2 * n_trends :, n_trends] = 1
    return groups


def by_block(model: InterestModel, by_half_life: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coefficients of an item's vectors, (n, n_blocks), from those of half-lives, (n, H)."""
    return by_half_life if model.n_blocks > 1 else by_half_life.sum(axis=1, keepdims=True)


def blocks_of(
    model: InterestModel, item_side: NDArray[np.float32], dim: int
) -> NDArray[np.float32]:
    """The vectors of items, shape (n_items, n_blocks, rank / n_blocks)."""
    rank = model.rank(dim)
    return item_side[:, :rank].reshape(len(item_side), model.n_blocks, rank // model.n_blocks)
