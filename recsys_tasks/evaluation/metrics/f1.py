"""F1."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.precision import precision
from recsys_tasks.evaluation.metrics.recall import recall
from recsys_tasks.evaluation.metrics.share import share


def f1(hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]) -> NDArray[np.float64]:
    """F1@k: the harmonic mean of `precision` and of `recall`, with their denominators.

    With hits h it is 2h / (k + min(k, relevant)), hence 0 and defined where nothing was hit.
    van Rijsbergen, Information Retrieval (1979).

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant.

    >>> f1(np.array([[True, False, False], [False, False, False]]), np.array([1, 1])).tolist()
    [0.5, 0.0]
    """
    p, r = precision(hits, n_relevant), recall(hits, n_relevant)
    harmonic = share(2 * p * r, p + r)
    return np.where(p + r == 0, 0.0, harmonic)
