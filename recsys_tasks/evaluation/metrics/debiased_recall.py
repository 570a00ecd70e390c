"""Recall with the popular items' head start taken back."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share


def debiased_recall(
    hits: NDArray[np.bool_],
    popularity: NDArray[np.float32],
    relevant_popularity: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Recall@k with a hit weighted by w(item) = 1 / (1 + popularity).

    The weights of the hits, over the weights of the list that could have hit most:

        sum of w over the hits  /  sum of the min(k, relevant) largest w among the relevant

    An item is met in proportion to its popularity, so 1 / popularity undoes that: the
    self-normalised inverse propensity of Yang et al., Unbiased offline recommender evaluation for
    missing-not-at-random implicit feedback (RecSys 2018), with propensity ~ 1 + popularity. Where
    all items are equally popular it is `recall`.

    Args:
        hits: Whether each listed item is relevant, best first, shape (n, k).
        popularity: Interactions of each listed item before the day, shape (n, k).
        relevant_popularity: The same of the k least popular relevant items, ascending; inf where
            fewer are relevant. Shape (n, k).

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant.

    >>> hits, popularity = np.array([[True, False]]), np.array([[9.0, 4.0]], np.float32)
    >>> debiased_recall(hits, popularity, np.array([[1.0, 9.0]], np.float32)).round(3).tolist()
    [0.167]
    """
    gained = np.where(hits, 1 / (1 + popularity.astype(np.float64)), 0.0).sum(axis=1)
    ideal = (1 / (1 + relevant_popularity.astype(np.float64))).sum(axis=1)
    return share(gained, ideal)
