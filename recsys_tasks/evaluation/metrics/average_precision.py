"""Mean average precision."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share


def average_precision(
    hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]
) -> NDArray[np.float64]:
    """AP@k: the precision at the rank of each hit, summed, / min(k, relevant); its mean is MAP.

    trec_eval divides by all that is relevant; the two agree while relevant <= k. Buckley and
    Voorhees, Evaluating evaluation measure stability (SIGIR 2000).

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        n_relevant: Relevant items of each user-day, shape (n,).

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant.

    >>> average_precision(np.array([[True, False, True]]), np.array([2])).round(3).tolist()
    [0.833]
    """
    k = hits.shape[1]
    precisions = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    return share((precisions * hits).sum(axis=1), np.minimum(n_relevant, k))
