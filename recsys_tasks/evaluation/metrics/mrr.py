"""Mean reciprocal rank."""

import numpy as np
from numpy.typing import NDArray


def mrr(hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]) -> NDArray[np.float64]:
    """Reciprocal rank@k: 1 / rank of the first hit, 0 without one; its mean is the MRR.

    Kantor and Voorhees, The TREC-5 Confusion Track (2000).

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant.

    >>> mrr(np.array([[False, True], [False, False]]), np.array([1, 1])).tolist()
    [0.5, 0.0]
    """
    reciprocal = hits / np.arange(1, hits.shape[1] + 1)
    return np.where(n_relevant > 0, reciprocal.max(axis=1, initial=0.0), np.nan)
