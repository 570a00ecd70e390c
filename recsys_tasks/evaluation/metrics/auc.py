"""Area under the ROC curve, over the whole catalogue."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share


def auc(
    wins: NDArray[np.float32], rows: NDArray[np.int32], n_user_days: int
) -> NDArray[np.float64]:
    """ROC-AUC: how often a relevant item scores above one that is not, over all such pairs.

    Hanley and McNeil (Radiology 1982): the mean over a user-day's relevant items of `wins`.

    Args:
        wins: As `wins` gives them, shape (p,); nan where there is nothing to win against.
        rows: The user-day of each relevant item, shape (p,).
        n_user_days: n.

    Returns:
        Values in [0, 1], shape (n,); nan where nothing is relevant, or everything is.

    >>> auc(np.array([1.0, 0.5], np.float32), np.array([0, 0]), 2).tolist()
    [0.75, nan]
    """
    total = np.bincount(rows, wins, n_user_days)
    return share(total, np.bincount(rows, minlength=n_user_days))


def wins(
    scores: NDArray[np.float32], rows: NDArray[np.int32], items: NDArray[np.int32]
) -> NDArray[np.float32]:
    """The share of the irrelevant candidates that each relevant item beats; a tie counts half.

    Args:
        scores: Scores of all items, shape (n, n_items); nan where an item is no candidate. Where a
            candidate has -inf, the catalogue was not ranked as a whole, and nobody wins or loses.
        rows: The row of each relevant item in `scores`, ascending, shape (p,).
        items: The relevant items, shape (p,). One that is no candidate beats nothing.

    Returns:
        Values in [0, 1], shape (p,); nan where undefined: all candidates are relevant, or one has
        -inf.

    >>> wins(np.array([[3, 1, 2, 2]], np.float32), np.array([0, 0]), np.array([0, 2])).tolist()
    [1.0, 0.75]
    """
    own, whole = scores[rows, items], ~np.isneginf(scores).any(axis=1)
    irrelevant = scores.copy()
    irrelevant[rows, items] = np.nan
    n_irrelevant = scores.shape[1] - np.count_nonzero(np.isnan(irrelevant), axis=1)
    irrelevant.sort(axis=1)  # nan comes last
    ends = np.searchsorted(rows, np.arange(len(scores) + 1))
    beaten = np.zeros(len(rows))
    for row, (start, end) in enumerate(pairwise(ends.tolist())):
        others, mine = irrelevant[row, : n_irrelevant[row]], own[start:end]
        sides = (np.searchsorted(others, mine, "left"), np.searchsorted(others, mine, "right"))
        beaten[start:end] = np.add(*sides) / 2
    beaten[np.isnan(own)] = 0
    return share(beaten, (n_irrelevant * whole)[rows]).astype(np.float32)
