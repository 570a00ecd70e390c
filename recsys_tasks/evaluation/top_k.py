"""The exact best k of each row of scores, the same ones whatever the batch."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW


def top_k(scores: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Items in descending order of score; of equal scores the lower item row comes first.

    Args:
        scores: Shape (n, n_items); -inf where an item may not be listed.
        k: Length of a list.

    Returns:
        Item rows, shape (n, k); NO_ROW where fewer than k items may be listed.

    >>> top_k(np.array([[1, 3, 1, 3], [0, -np.inf, 1, -np.inf]], np.float32), 3).tolist()
    [[1, 3, 0], [2, 0, -1]]
    """
    n, n_items = scores.shape
    ranked = np.full((n, k), NO_ROW, np.int32)
    if not scores.size:
        return ranked
    items = _best(scores, min(k, n_items))
    best = np.take_along_axis(scores, items, axis=1)
    # Items ascend here, so a stable sort leaves equal scores in order of their rows.
    order = np.argsort(-best, axis=1, kind="stable")
    listed = np.where(best == -np.inf, NO_ROW, items)
    ranked[:, : items.shape[1]] = np.take_along_axis(listed, order, axis=1)
    return ranked


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """The best k items of each row in ascending order of item row, shape (n, k)."""
    items = np.argpartition(scores, -k, axis=1)[:, -k:]
    chosen = np.take_along_axis(scores, items, axis=1)
    least = chosen.min(axis=1, keepdims=True)
    # A partition picks any of the items that tie with the last place; only such rows are redone.
    at_least = np.count_nonzero(scores >= least, axis=1)
    tied = np.flatnonzero(at_least > k)
    items[tied] = _first_best(scores[tied], least[tied], k)
    items.sort(axis=1)
    return items


def _first_best(
    scores: NDArray[np.float32], least: NDArray[np.float32], k: int
) -> NDArray[np.intp]:
    """The k first items among those that reach `least`, better ones before them; shape (n, k)."""
    above = scores > least
    ties = scores == least
    places = k - np.count_nonzero(above, axis=1)
    chosen = above | (ties & (np.cumsum(ties, axis=1, dtype=np.int32) <= places[:, None]))
    return np.nonzero(chosen)[1].reshape(len(scores), k)
