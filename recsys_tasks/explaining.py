"""Reasons: what a score rests on, out of its exact decomposition.

The personal part of a score is a sum over the user's interactions (decay is linear), the rest a sum
over trends. A list entry's reason is the larger part: the interaction that gave most, or the trend
that did.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import ZeroShot, contributions
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
    last = brought.at(order[recent])
    ages = night + 1 - history.times[last.interactions]
    shares = (retention(ages, model.half_lives) * model.gains(masses)[at[0]]).sum(axis=1)
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
    batch_size: int = 128,
) -> Reasons:
    """The reason of every entry of the lists.

    Args:
        lists: Of n users, ranked by `item_side` and `user_side`.
        known: Of the same users.
        history_vectors: What `known.vectors` are rows of, shape (n_vectors, dim).
        centre: Of the catalogue's texts, shape (dim,).
        item_side: As it was ranked, shape (n_items, dim + K).
        user_side: Likewise, shape (n, dim + K).
        batch_size: Users explained at once; memory is batch_size * (k + L) * dim floats.

    Returns:
        Of interactions that gave the same, the oldest; TREND after the end of a short list.
    """
    shape, dim = lists.rows.shape, len(centre)
    by_trend = item_side[:, dim:][lists.rows] * user_side[:, None, dim:]  # (n, k, K)
    trends = by_trend.sum(axis=-1)
    is_personal = lists.scores - trends > trends
    reasons = Reasons(
        np.full(shape, TREND, np.int16),
        np.full(shape, NO_ROW, np.int32),
        by_trend.argmax(axis=-1).astype(np.int16),
    )
    lengths = (known.interactions != NO_ROW).sum(axis=1)
    # Users with equally many contributors together: a batch is as wide as its widest user.
    order = np.argsort(lengths, kind="stable")
    for start in range(int((lengths == 0).sum()), len(order), batch_size):
        users = order[start : start + batch_size]
        theirs = _newest(known, users, int(lengths[users[-1]]))
        most, brought = _strongest(lists.rows[users], theirs, history_vectors, centre, item_side)
        by_user = np.arange(len(users))[:, None], most
        kinds = np.where(theirs.are_texts[by_user], TEXT, INTERACTION)
        chosen = is_personal[users] & (brought > 0)
        reasons.kinds[users] = np.where(chosen, kinds, TREND)
        reasons.interactions[users] = np.where(chosen, theirs.interactions[by_user], NO_ROW)
    return reasons


def _newest(known: Contributors, users: NDArray[np.intp], length: int) -> Contributors:
    """The last interactions of some users."""
    return Contributors(
        known.interactions[users, -length:],
        known.vectors[users, -length:],
        known.coefficients[users, -length:],
        known.are_texts[users, -length:],
    )


def _strongest(
    rows: NDArray[np.int32],
    known: Contributors,
    history_vectors: NDArray[np.float32],
    centre: NDArray[np.float32],
    item_side: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The liked contributor that gave most to each listed item, and how much; (b, k) each."""
    import torch  # noqa: PLC0415  seconds to import; only who explains pays

    listed = torch.from_numpy(item_side)[torch.from_numpy(rows)][..., : len(centre)]  # (b, k, dim)
    vectors = torch.from_numpy(history_vectors)[torch.from_numpy(known.vectors)]  # (b, L, dim)
    # <vector - centre, item> for every pair, without a centred copy of the vectors.
    offsets = (listed @ torch.from_numpy(centre))[..., None]
    brought = torch.baddbmm(offsets, listed, vectors.transpose(1, 2), beta=-1)  # (b, k, L)
    # "Because you disliked ..." recommends nothing: what repels explains no entry.
    brought *= torch.from_numpy(known.coefficients)[:, None].clamp(min=0)
    best = brought.max(dim=-1)
    return best.indices.numpy(), best.values.numpy()
