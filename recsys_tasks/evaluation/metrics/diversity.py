"""Intra-list diversity."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.evaluation.metrics.share import share


def diversity(
    ranked: NDArray[np.int32],
    vectors: NDArray[np.float32],
    has_vector: NDArray[np.bool_] | None = None,
    *,
    batch_size: int = 4096,
) -> NDArray[np.float64]:
    """Diversity@k: 1 - the mean cosine of all pairs of listed items.

    Items without a vector are left out. With m vectors of length 1 and their sum s, the cosines of
    all ordered pairs sum up to |s|^2 - m, so no pair is ever formed. Ziegler et al., Improving
    recommendation lists through topic diversification (WWW 2005).

    Args:
        ranked: Rows of the listed items, negative where the list is short, shape (n, k).
        vectors: Unit vectors of all items, zero where an item has none, shape (n_items, dim).
        has_vector: Which items have one, shape (n_items,), if that is known.
        batch_size: Lists summed at once; memory is batch_size * dim floats.

    Returns:
        Values in [0, 2], shape (n,); nan where fewer than two listed items have a vector.

    >>> vectors = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    >>> diversity(np.array([[0, 1], [0, 2], [0, -1]], np.int32), vectors).tolist()
    [1.0, 0.0, nan]
    """
    known = np.asarray(vectors.any(axis=1) if has_vector is None else has_vector)
    counted = np.append(known, False)[ranked]  # the gap at the end of a short list is the last
    values = np.full(len(ranked), np.nan)
    for start in range(0, len(ranked), batch_size):
        batch = slice(start, start + batch_size)
        values[batch] = 1 - _mean_cosine(ranked[batch], counted[batch], vectors)
    return values


def _mean_cosine(
    ranked: NDArray[np.int32], counted: NDArray[np.bool_], vectors: NDArray[np.float32]
) -> NDArray[np.float64]:
    n, m = len(ranked), counted.sum(axis=1)
    ends = np.concatenate([[0], np.cumsum(m)])
    ones = np.ones(ends[-1], np.float32)
    chosen = sparse.csr_array((ones, ranked[counted], ends), shape=(n, len(vectors)))
    squared = np.square(chosen @ vectors, dtype=np.float64).sum(axis=1)
    return share(squared - m, m * (m - 1))
