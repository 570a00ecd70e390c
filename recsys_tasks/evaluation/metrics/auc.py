"""Area under the ROC curve, over the whole catalogue."""

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
    scores: NDArray[np.float32],
    rows: NDArray[np.int32],
    items: NDArray[np.int32],
    *,
    batch_size: int = 512,
) -> NDArray[np.float32]:
    """The share of the irrelevant candidates that each relevant item beats; a tie counts half.

    Args:
        scores: Scores of all items, nan where an item is no candidate, shape (n, n_items). A
            relevant item that is no candidate beats nothing.
        rows: The row of each relevant item in `scores`, shape (p,).
        items: The relevant items, shape (p,).
        batch_size: Relevant items compared at once; memory is batch_size * n_items floats.

    Returns:
        Values in [0, 1], shape (p,); nan where all candidates are relevant.

    >>> wins(np.array([[3, 1, 2, 2]], np.float32), np.array([0, 0]), np.array([0, 2])).tolist()
    [1.0, 0.75]
    """
    own = scores[rows, items]
    irrelevant = scores.copy()
    # nan compares as neither less nor equal: such an item is neither beaten nor tied.
    irrelevant[rows, items] = np.nan
    n_irrelevant = scores.shape[1] - np.isnan(irrelevant).sum(axis=1)
    beaten = np.zeros(len(rows))
    for start in range(0, len(rows), batch_size):
        batch = slice(start, start + batch_size)
        others, score = irrelevant[rows[batch]], own[batch, None]
        ties = np.count_nonzero(others == score, axis=1)
        beaten[batch] = np.count_nonzero(others < score, axis=1) + ties / 2
    return share(beaten, n_irrelevant[rows]).astype(np.float32)
