"""Reasons: what a score rests on, out of its exact decomposition.

The personal part of a score is a sum over the user's interactions (decay is linear), the rest a sum over
trends. A list entry's reason is the larger part: the interaction that gave most, or the trend that did.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import Contributions, ZeroShot, contributions
from recsys_tasks.ranking import Lists

INTERACTION, TEXT, TREND = 1, 2, 3  # kinds of reasons, as in SQL's reason_in_words


class Reasons(NamedTuple):
    """Why each entry of n lists of k stands there; shape (n, k) each.

    Attributes:
        kinds: INTERACTION with an item, TEXT that the user wrote, or TREND.
        interactions: Row of the interaction that gave most; NO_ROW for a trend.
        horizons: Position of the trend half-life that gave most.
    """

    kinds: NDArray[np.int16]
    interactions: NDArray[np.int32]
    horizons: NDArray[np.int16]


class Contributors(NamedTuple):
    """The last L interactions of n users, newest last, with what each brings; shape (n, L) each.

    Attributes:
        interactions: Row among the interactions; NO_ROW where the user has fewer.
        vectors: Row of the vector that it added.
        coefficients: What the inner product with an item is multiplied by.
        are_texts: Whether that vector is of what the user wrote.
    """

    interactions: NDArray[np.int32]
    vectors: NDArray[np.int32]
    coefficients: NDArray[np.float32]
    are_texts: NDArray[np.bool_]


def contributors(
    model: ZeroShot,
    history: Interactions,
    vectors: NDArray[np.float32],
    masses: NDArray[np.float32],
    night: int,
    length: int,
) -> Contributors:
    """What each of the last interactions of every user brings to the user's side of the score.

    Args:
        model: Its half-lives, scales and prior mass are read.
        history: Interactions until the night; `users` are rows of `masses`.
        vectors: What `history.items` and `history.texts` are rows of.
        masses: Of the users, seen from the night, shape (n, H).
        night: The night.
        length: L; an interaction with an item and a text counts as two.
    """
    brought = contributions(history, vectors)
    users = history.users[brought.interactions]
    order = np.argsort(users, kind="stable")
    users = users[order]
    # From the end of each user's interactions backwards: the newest stands last.
    behind = np.searchsorted(users, users, side="right") - np.arange(len(users))
    recent = behind <= length
    at = (users[recent], length - behind[recent])
    last = Contributions(*(column[order][recent] for column in brought))
    ages = night + 1 - history.times[last.interactions]
    scales = np.asarray(model.scales, np.float32) / (masses + np.float32(model.prior_mass))
    shares = (retention(ages, model.half_lives) * scales[at[0]]).sum(axis=1)
    shape = (len(masses), length)
    found = Contributors(
        np.full(shape, NO_ROW, np.int32),
        np.full(shape, NO_ROW, np.int32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.bool_),
    )
    columns = (last.interactions, last.rows, last.weights * shares, last.are_texts)
    for target, column in zip(found, columns, strict=True):
        target[at] = column
    return found


def explain(
    lists: Lists,
    known: Contributors,
    history_vectors: NDArray[np.float32],
    centre: NDArray[np.float32],
    item_side: NDArray[np.float32],
    user_side: NDArray[np.float32],
    *,
    batch_size: int = 256,
) -> Reasons:
    """The reason of every entry of the lists.

    Args:
        lists: Of n users.
        known: Of the same users.
        history_vectors: What `known.vectors` are rows of, shape (n_vectors, dim).
        centre: Of the catalogue's texts, shape (dim,).
        item_side: As it was ranked, shape (n_items, dim + K).
        user_side: Likewise, shape (n, dim + K).
        batch_size: Users explained at once; memory is batch_size * (k + L) * dim floats.
    """
    shape, dim = lists.rows.shape, len(centre)
    reasons = Reasons(
        np.full(shape, TREND, np.int16), np.full(shape, NO_ROW, np.int32), np.zeros(shape, np.int16)
    )
    for start in range(0, shape[0], batch_size):
        batch = slice(start, start + batch_size)
        listed = item_side[lists.rows[batch]]  # (b, k, dim + K)
        trends = listed[..., dim:] * user_side[batch, None, dim:]
        reasons.horizons[batch] = trends.argmax(axis=-1)
        personal = np.einsum("bkd,bd->bk", listed[..., :dim], user_side[batch, :dim])
        centred = history_vectors[known.vectors[batch]] - centre  # (b, L, dim)
        brought = listed[..., :dim] @ centred.transpose(0, 2, 1) * known.coefficients[batch, None]
        most = brought.argmax(axis=-1)
        users = np.arange(len(most))[:, None]
        is_personal = (brought.max(axis=-1, initial=-np.inf) > 0) & (personal > trends.sum(axis=-1))
        kinds = np.where(known.are_texts[batch][users, most], TEXT, INTERACTION)
        reasons.kinds[batch] = np.where(is_personal, kinds, TREND)
        reasons.interactions[batch] = np.where(
            is_personal, known.interactions[batch][users, most], NO_ROW
        )
    return reasons
