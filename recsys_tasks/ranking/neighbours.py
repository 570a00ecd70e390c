"""The nearest neighbours by cosine."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking.exact import Lists, top_k


def nearest(
    queries: NDArray[np.float32],
    pool: NDArray[np.float32],
    own: NDArray[np.int32],
    k: int,
    *,
    batch_size: int = 1024,
    device: str = "cpu",
) -> Lists:
    """The nearest neighbours by cosine, without oneself.

    Args:
        queries: Shape (n, dim).
        pool: Shape (n_pool, dim).
        own: The row of each query in the pool, shape (n,); NO_ROW where it is not there.
        k: Neighbours wanted.
        batch_size: Queries compared at once.
        device: Where torch computes.

    Returns:
        Lists of rows of the pool. A vector of length 0 is near to nothing: it has no neighbours,
        and is nobody's. Of equally near ones, the lower row comes first.
    """
    sought, found = unit(queries), unit(pool)
    near = np.flatnonzero(found.any(axis=1))
    places = np.full(len(pool) + 1, NO_ROW, np.int32)  # the last is NO_ROW's
    places[near] = np.arange(len(near))
    inside = np.flatnonzero(places[own] != NO_ROW)
    pairs = (np.ones(len(inside), np.bool_), (inside, places[own[inside]]))
    excluded = sparse.csr_array(pairs, shape=(len(queries), len(near)))
    lists = top_k(sought, found[near], excluded, k, batch_size=batch_size, device=device)
    rows = np.append(near, NO_ROW).astype(np.int32)[lists.rows]
    lonely = np.linalg.norm(sought, axis=1) == 0
    rows[lonely], lists.scores[lonely] = NO_ROW, -np.inf
    return Lists(rows, lists.scores)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same directions at length 1; a zero vector stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.zeros_like(vectors)
    np.divide(vectors, lengths, out=unit, where=lengths > 0)
    return unit
