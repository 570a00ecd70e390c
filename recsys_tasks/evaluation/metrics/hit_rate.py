"""Hit rate."""

import numpy as np
from numpy.typing import NDArray


def hit_rate(hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]) -> NDArray[np.float64]:
    """Hit rate@k: 1 if anything relevant is listed, else 0; also called success@k.

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).

    Returns:
        Values 0 or 1, shape (n,); nan where nothing is relevant.

    >>> hit_rate(np.array([[False, True], [False, False]]), np.array([3, 1])).tolist()
    [1.0, 0.0]
    """
    return np.where(n_relevant > 0, hits.any(axis=1), np.nan)
