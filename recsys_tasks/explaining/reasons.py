"""Why each entry of a list stands there: the larger part of its score.

That is the interaction that gave most to the personal part, or the feature of the item that did.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.explaining.contributing import Contributors
from recsys_tasks.explaining.decomposing import horizons
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.interest_model import InterestModel
from recsys_tasks.ranking import Lists

INTERACTION, TEXT, TREND, NEW = 1, 2, 3, 4  # kinds of reasons, as in SQL's reason_in_words


class Reasons(NamedTuple):
    """Why each entry of n lists of k stands there; shape (n, k) each.

    Attributes:
        kinds: INTERACTION with an item, TEXT that the user wrote, TREND, or that the item is NEW.
        interactions: Row of the interaction that gave most; NO_ROW for a trend.
        horizons: Position of the trend half-life that gave most; past the last of them for NEW.
    """

    kinds: NDArray[np.int16]
    interactions: NDArray[np.int32]
    horizons: NDArray[np.int16]


def explain(
    lists: Lists,
    known: Contributors,
    vectors: NDArray[np.float32],
    model: InterestModel,
    item_side: NDArray[np.float32],
    user_side: NDArray[np.float32],
    *,
    batch_size: int = 128,
) -> Reasons:
    """The reason of every entry of the lists.

    Args:
        lists: Of n users, ranked by `item_side` and `user_side`.
        known: Of the same users.
        vectors: What `known.vectors` are rows of, as `meanings` gives them: (n_vectors, width).
        model: Tells the features of items apart.
        item_side: As it was ranked, shape (n_items, n_blocks * width + F).
        user_side: Likewise, shape (n, n_blocks * width + F).
        batch_size: Users explained at once; memory is batch_size * (k + L) * width floats.

    Returns:
        Of interactions that gave the same, the oldest; TREND after the end of a short list.
    """
    shape = lists.rows.shape
    reasons = Reasons(
        np.full(shape, TREND, np.int16),
        np.full(shape, NO_ROW, np.int32),
        np.zeros(shape, np.int16),
    )
    lengths = (known.interactions != NO_ROW).sum(axis=1)
    # Users with equally many contributors together: a batch is as wide as its widest user.
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        users = order[start : start + batch_size]
        features = _by_feature(lists, users, vectors.shape[1], model, item_side, user_side)
        reasons.kinds[users], reasons.horizons[users] = features.kinds, features.horizons
        length = int(lengths[users[-1]])
        if not length:
            continue
        theirs = known.newest(users, length)
        personal = item_side[:, : model.n_blocks * vectors.shape[1]][lists.rows[users]]
        most, brought = _strongest(personal, theirs, vectors)
        by_user = np.arange(len(users))[:, None], most
        kinds = np.where(theirs.are_texts[by_user], TEXT, INTERACTION)
        chosen = (lists.scores[users] - features.scores > features.scores) & (brought > 0)
        reasons.kinds[users] = np.where(chosen, kinds, features.kinds)
        reasons.interactions[users] = np.where(chosen, theirs.interactions[by_user], NO_ROW)
    return reasons


class _Features(NamedTuple):
    """What features give to the entries of b lists; shape (b, k) each.

    Attributes:
        scores: In all.
        kinds: TREND or NEW, whichever gave most.
        horizons: As in Reasons.
    """

    scores: NDArray[np.float32]
    kinds: NDArray[np.int16]
    horizons: NDArray[np.int16]


def _by_feature(
    lists: Lists,
    users: NDArray[np.intp],
    width: int,
    model: InterestModel,
    item_side: NDArray[np.float32],
    user_side: NDArray[np.float32],
) -> _Features:
    """What trends and newness give to the lists of some users."""
    rank = model.n_blocks * width
    brought = item_side[:, rank:][lists.rows[users]] * user_side[users, None, rank:]  # (b, k, F)
    most = (brought @ horizons(model, brought.shape[-1])).argmax(axis=-1)
    kinds = np.where(most < len(model.trend_half_lives), TREND, NEW)
    return _Features(brought.sum(axis=-1), kinds.astype(np.int16), most.astype(np.int16))


def _strongest(
    listed: NDArray[np.float32], known: Contributors, vectors: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The liked contributor that gave most to each listed item, and how much; (b, k) each.

    Args:
        listed: The personal part of the items, shape (b, k, n_blocks * width).
        known: Of the b users.
        vectors: What `known.vectors` are rows of.
    """
    import torch  # noqa: PLC0415  seconds to import; only who explains pays

    b, k, rank = listed.shape
    width = vectors.shape[1]
    blocks = torch.from_numpy(listed).reshape(b, k, rank // width, width)
    brought_by = torch.from_numpy(vectors)[torch.from_numpy(known.vectors)]  # (b, L, width)
    coefficients = torch.from_numpy(known.coefficients)[:, None]  # (b, 1, L, n_blocks)
    brought = torch.zeros(b, k, brought_by.shape[1])
    for block in range(rank // width):
        brought += torch.bmm(blocks[:, :, block], brought_by.mT) * coefficients[..., block]
    # "Because you disliked ..." recommends nothing: what repels explains no entry.
    brought *= torch.from_numpy(known.are_liked)[:, None]
    best = brought.max(dim=-1)
    return best.indices.numpy(), best.values.numpy()
