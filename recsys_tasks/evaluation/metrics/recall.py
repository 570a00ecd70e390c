"""Recall."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]) -> NDArray[np.float64]:
    """Recall@k: hits / min(k, relevant), so that a full list of hits scores 1.

    The textbook divides by all that is relevant; the two agree while relevant <= k.

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant.

    >>> recall(np.array([[True, False], [True, False]]), np.array([1, 5])).tolist()
    [1.0, 0.5]
    """
    return share(hits.sum(axis=1), np.minimum(n_relevant, hits.shape[1]))
