"""What a pair is told apart from: items near its anchor that do not belong to it."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.finetuning.pairs import Pairs
from recsys_tasks.interactions import NO_ROW

BLOCK = 512  # anchors whose cosines to the whole catalogue are in memory at once


def hard_negatives(
    pairs: Pairs, vectors: NDArray[np.float32], pool: int, near: float, seed: int
) -> NDArray[np.int32]:
    """A row of `pairs.items` for each pair; NO_ROW where there is none.

    It is drawn from the `pool` items that the base encoder puts nearest to the anchor, without
    those that are its near-duplicates, that are anybody's pair with it, or have no text.

    Args:
        pairs: Gives anchors and positives.
        vectors: The base encoder's, of `pairs.items`, (n_items, dim).
        pool: 0 for no negatives.
        near: Cosine of near-duplicates.
        seed: Of the draw.
    """
    if pool == 0 or not len(pairs):
        return np.full(len(pairs), NO_ROW, np.int32)
    anchors, which = np.unique(pairs.anchors, return_inverse=True)
    joined = pairs.joined
    nearest = np.concatenate([
        _nearest(anchors[start : start + BLOCK], joined, vectors, pool, near)
        for start in range(0, len(anchors), BLOCK)
    ])
    counts = np.count_nonzero(nearest != NO_ROW, axis=1)[which]
    # Those that there are come first: a draw below their number finds one.
    drawn = np.random.default_rng(seed).random(len(pairs)) * counts
    found: NDArray[np.int32] = nearest[which, drawn.astype(np.int64)]
    return found


def _nearest(
    anchors: NDArray[np.int32],
    joined: sparse.csr_matrix,
    vectors: NDArray[np.float32],
    pool: int,
    near: float,
) -> NDArray[np.int32]:
    """The nearest items of each anchor, the nearest first, then NO_ROW; (n, at most pool)."""
    cosines = vectors[anchors] @ vectors.T
    cosines[(cosines >= near) | joined[anchors].toarray()] = -np.inf
    cosines[:, ~vectors.any(axis=1)] = -np.inf
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :pool]
    there = np.isfinite(np.take_along_axis(cosines, rows, axis=1))
    return np.where(there, rows, NO_ROW).astype(np.int32)


def false_negatives(
    pairs: Pairs,
    joined: sparse.csr_matrix,
    vectors: NDArray[np.float32],
    batch: NDArray[np.intp],
    candidates: NDArray[np.int32],
    near: float,
) -> NDArray[np.bool_]:
    """Which candidates may belong to which pairs of a batch, so that they count as no negatives.

    Whatever the pair's user did something with; whatever is anybody's pair with the anchor; the
    anchor's and the positive's near-duplicates, and so whatever has the same text as either.

    Args:
        pairs: All of them.
        joined: Of them.
        vectors: The base encoder's, of `pairs.items`.
        batch: Rows of the pairs.
        candidates: Rows of `pairs.items`, shape (m,).
        near: Cosine of near-duplicates.

    Returns:
        Shape (len(batch), m); a pair's own positive is among them.
    """
    anchors, positives = pairs.anchors[batch], pairs.positives[batch]
    masked: NDArray[np.bool_] = pairs.taken[pairs.users[batch]][:, candidates].toarray()
    masked |= joined[anchors][:, candidates].toarray()
    for ends in (anchors, positives):
        masked |= vectors[ends] @ vectors[candidates].T >= near
        masked |= ends[:, None] == candidates
    return masked
