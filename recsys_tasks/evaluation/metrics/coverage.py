"""Catalogue coverage."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share


def coverage(ranked: NDArray[np.int32], n_listable: int) -> NDArray[np.float64]:
    """Coverage@k: distinct items in all lists together / items that could be listed.

    Ge et al., Beyond accuracy (RecSys 2010). It is one number for a set of lists. It has no
    bootstrap interval: a resample repeats lists, hence always covers less.

    Args:
        ranked: Rows of the listed items, negative where the list is short, shape (n, k).
        n_listable: Items that exist on at least one of the lists' days.

    Returns:
        A value in [0, 1], shape (); nan where no item could be listed.

    >>> coverage(np.array([[0, 1], [0, -1]], np.int32), 4).item()
    0.5
    """
    is_listed = np.zeros(ranked.max(initial=-1) + 2, np.bool_)
    is_listed[ranked] = True  # the gap at the end of a short list is the last place
    return share(np.count_nonzero(is_listed[:-1]), n_listable)
