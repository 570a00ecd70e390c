"""Which new topic is which old one: the assignment that lets most items keep their topic.

An assignment problem (Kuhn, 1955: the Hungarian method) over the items that both know.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

NEW = -1
ALIKE = 0.25  # of the items of either, so many in both (Jaccard): below, it is another topic


def same_topics(before: NDArray[np.int32], after: NDArray[np.int32]) -> NDArray[np.int32]:
    """The old topic of each new one, NEW where it is none of them; no old one twice.

    Args:
        before: The old topic of each item, shape (n,); NEW for an item that had none.
        after: The new topic of each item, counted from 0, shape (n,).

    >>> same_topics(np.array([7, 7, 7, 9, 9, -1]), np.array([1, 1, 1, 0, 0, 2])).tolist()
    [9, 7, -1]
    """
    n_after = int(after.max(initial=-1)) + 1
    found = np.full(n_after, NEW, np.int32)
    known = before != NEW
    old, old_rows = np.unique(before[known], return_inverse=True)
    if not len(old):
        return found
    both = np.zeros((len(old), n_after), np.int64)
    np.add.at(both, (old_rows, after[known]), 1)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    rows, columns = linear_sum_assignment(both, maximize=True)
    alike = both[rows, columns] >= ALIKE * np.maximum(either[rows, columns], 1)
    found[columns[alike]] = old[rows[alike]]
    return found
