"""Precision."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share


def precision(hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]) -> NDArray[np.float64]:
    """Precision@k: hits / k. A list shorter than k is still divided by k.

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant.

    >>> precision(np.array([[True, False], [False, False]]), np.array([1, 0])).tolist()
    [0.5, nan]
    """
    return share(hits.sum(axis=1), np.where(n_relevant > 0, hits.shape[1], 0))
