"""Normalised discounted cumulative gain."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.rank_discount import log_discount
from recsys_tasks.evaluation.metrics.share import share


def ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]) -> NDArray[np.float64]:
    """nDCG@k with binary gain and discount log2(rank + 1).

    The ideal list has min(k, relevant) hits at its top. Järvelin and Kekäläinen, Cumulated
    gain-based evaluation of IR techniques (TOIS 2002).

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant.

    >>> ndcg(np.array([[True, False], [False, True]]), np.array([1, 2])).round(3).tolist()
    [1.0, 0.387]
    """
    discount = log_discount(hits.shape[1])
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    return share(hits @ discount, ideal[np.minimum(n_relevant, hits.shape[1])])
