"""Lists that exist already: last night's, as they were published."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share
from recsys_tasks.evaluation.touched import Touched
from recsys_tasks.interactions import NO_ROW


@dataclass(frozen=True)
class ReadyLists:
    """Published lists in the order that they have.

    Target `new` leaves touched items out, and a list gets shorter by them. No AUC is defined where
    a list does not rank the whole catalogue.

    Attributes:
        name: Of the variant, as in `evaluations`.
        users: Distinct rows of the users who have a list, ascending, shape (n,).
        ranked: Rows of their distinct items, best first, NO_ROW where a list is short, (n, k).
    """

    name: str
    users: NDArray[np.int32]
    ranked: NDArray[np.int32]

    def of(self, users: NDArray[np.int32]) -> NDArray[np.int32]:
        """The lists of distinct users, NO_ROW for one who has none; shape (n, k)."""
        found = np.full((len(users), self.ranked.shape[1]), NO_ROW, np.int32)
        known = np.flatnonzero(np.isin(users, self.users))
        found[known] = self.ranked[np.searchsorted(self.users, users[known])]
        return found


def without(
    ranked: NDArray[np.int32], absent: NDArray[np.bool_], left_out: Touched
) -> NDArray[np.int32]:
    """Lists without items that do not exist or are left out, closed up; shape as `ranked`.

    Args:
        ranked: Item rows of n lists, best first, NO_ROW for none, shape (n, k).
        absent: Items that do not exist, shape (n_items,).
        left_out: Items that are no candidates of the n users.
    """
    kept = (ranked != NO_ROW) & ~absent[ranked]
    kept &= ~left_out.has(np.arange(len(ranked))[:, None], ranked)
    order = np.argsort(~kept, axis=1, kind="stable")
    closed: NDArray[np.int32] = np.take_along_axis(np.where(kept, ranked, NO_ROW), order, axis=1)
    return closed


def places_in(
    ranked: NDArray[np.int32], rows: NDArray[np.intp], items: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Where in their lists items stand, from 0 on; NO_ROW for one that does not.

    Args:
        ranked: Distinct items of n lists, NO_ROW where a list is short, shape (n, k).
        rows: The list of each item, shape (p,).
        items: The items, shape (p,).
    """
    found = np.full(len(rows), NO_ROW, np.int32)
    is_listed = np.zeros(max(ranked.max(initial=0), items.max(initial=0)) + 2, np.bool_)
    is_listed[ranked] = True  # the gap at the end of a short list is the last place
    possible = np.flatnonzero(is_listed[items])
    # Flat, since nonzero of a matrix takes many times as long.
    flat = np.flatnonzero(ranked[rows[possible]] == items[possible, None])
    pairs, places = np.divmod(flat, max(ranked.shape[1], 1))
    found[possible[pairs]] = places
    return found


def wins_in(
    ranked: NDArray[np.int32],
    n_candidates: NDArray[np.int64],
    rows: NDArray[np.intp],
    items: NDArray[np.int32],
) -> NDArray[np.float32]:
    """The share of the irrelevant candidates that each relevant item beats.

    Args:
        ranked: What `without` leaves of n lists, shape (n, k).
        n_candidates: How many items could be listed for each user, shape (n,).
        rows: The list of each relevant item, ascending, shape (p,).
        items: The relevant items, shape (p,).

    Returns:
        Values in [0, 1], shape (p,); nan where a list does not hold every candidate, and where all
        of them are relevant.
    """
    found = np.full(len(rows), np.nan, np.float32)
    whole = np.flatnonzero(((ranked != NO_ROW).sum(axis=1) == n_candidates)[rows])
    pairs, places = np.nonzero(ranked[rows[whole]] == items[whole, None])
    irrelevant = ranked != NO_ROW
    irrelevant[rows[whole][pairs], places] = False
    n_irrelevant = irrelevant.sum(axis=1)
    beaten = np.zeros(len(whole))
    seen = np.cumsum(irrelevant, axis=1)[rows[whole][pairs], places]
    beaten[pairs] = n_irrelevant[rows[whole][pairs]] - seen
    found[whole] = share(beaten, n_irrelevant[rows[whole]])
    return found
