"""Neighbours on their way to their tables, as arrays."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import Lists
from recsys_tasks.warehouse import Session, copying


def write_neighbour_lists(
    session: Session,
    query: str,
    own_keys: NDArray[np.int32],
    lists: Lists,
    pool_keys: NDArray[np.int32],
) -> None:
    """Send neighbours, lists of one length at a time; an empty list has no row.

    Args:
        session: Of the night.
        query: That takes them.
        own_keys: Whose they are, shape (n,).
        lists: Of rows of the pool, shape (n, k).
        pool_keys: By row.
    """
    lengths = (lists.rows != NO_ROW).sum(axis=1)
    for length in np.unique(lengths[lengths > 0]).tolist():
        chosen = lengths == length
        session.copy_in(
            query,
            (copying.INT4, copying.integer_array(length), copying.real_array(length)),
            (
                own_keys[chosen],
                pool_keys[lists.rows[chosen, :length]],
                lists.scores[chosen, :length],
            ),
        )
