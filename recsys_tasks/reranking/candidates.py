"""Which items are ranked again: the best by each of several plain scores, some 200 a user."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Source(NamedTuple):
    """One plain score.

    Attributes:
        scores: Higher is better, shape (n, n_items), or (n_items,) where all users share it.
        quota: How many of the best become candidates.
    """

    scores: NDArray[np.float32]
    quota: int


def candidates(
    sources: Sequence[tuple[Source, NDArray[np.bool_]]],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The union of what the sources put first.

    Args:
        sources: Each with the pairs that it must not propose, shape (n, n_items). Of equal scores,
            a shared source takes the lower row; others any.

    Returns:
        Users and items of the candidates, by user and then by item.
    """
    chosen = np.zeros_like(sources[0][1])
    for source, banned in sources:
        take = _take_shared if source.scores.ndim == 1 else _take
        chosen |= take(source, banned) & ~banned
    users, items = np.nonzero(chosen)
    return users, items


def _take(source: Source, banned: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Each user's best, and some that are banned where there are not as many."""
    import torch  # noqa: PLC0415  seconds to import; only who reranks pays

    scores = torch.from_numpy(np.where(banned, -np.inf, source.scores))
    best = scores.topk(min(source.quota, scores.shape[1]), dim=1).indices
    chosen = np.zeros_like(banned)
    np.put_along_axis(chosen, best.numpy(), values=True, axis=1)
    return chosen


def _take_shared(source: Source, banned: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first that are not banned, in the order that all users share."""
    order = np.argsort(-source.scores, kind="stable")
    order = order[~np.asarray(banned.all(axis=0))[order]]
    # So far down the list of a user with nearly everything banned has to go.
    order = order[: source.quota + int(banned[:, order].sum(axis=1).max(initial=0))]
    is_free = np.logical_not(banned[:, order])
    chosen = np.zeros_like(banned)
    chosen[:, order] = is_free & (is_free.cumsum(axis=1, dtype=np.int32) <= source.quota)
    return chosen
