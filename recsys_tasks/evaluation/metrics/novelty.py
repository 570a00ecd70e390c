"""Novelty."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share


def novelty(
    listed: NDArray[np.bool_],
    popularity: NDArray[np.float32],
    total: NDArray[np.float32],
    n_items: int,
) -> NDArray[np.float64]:
    """Novelty@k: the mean of -log2 of the listed items' shares of all interactions, in bits.

    share(item) = (1 + popularity) / (n_items + total), with add-one smoothing, so that an item
    that nobody met is the most novel of all and not infinitely so. Zhou et al., Solving the
    apparent diversity-accuracy dilemma of recommender systems (PNAS 2010).

    Args:
        listed: Where the list has an item; short lists end in False. Shape (n, k).
        popularity: Interactions of each listed item before the day, shape (n, k).
        total: Interactions of all items before the day, shape (n,).
        n_items: Items in the catalogue.

    Returns:
        Bits, shape (n,); nan where the list is empty.

    >>> listed, popularity = np.array([[True, True]]), np.array([[0.0, 1.0]], np.float32)
    >>> novelty(listed, popularity, np.array([4.0], np.float32), n_items=4).tolist()
    [2.5]
    """
    bits = np.log2(n_items + total.astype(np.float64))[:, None] - np.log2(1.0 + popularity)
    return share(np.where(listed, bits, 0.0).sum(axis=1), listed.sum(axis=1))
