"""One ranking for everyone: sorted once a day, and every user's list and AUC read off it.

A user differs from the next by the few items that are left out for them. So a list is a walk down
the common order around those, and what a relevant item beats is what it beats in the common order
less the few that do not count. Equal, to the bit, to ranking every user's own row of scores.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.metrics.share import share
from recsys_tasks.evaluation.touched import Touched
from recsys_tasks.interactions import NO_ROW


@dataclass(frozen=True)
class SharedRanking:
    """All m items that exist, best first; of equal scores the lower item row comes first.

    Attributes:
        order: Item rows, shape (m,).
        places: Where each item stands in `order`, shape (n_items,); m where it does not exist.
        above: Existing items with a better score than each item's, shape (n_items,).
        until: Existing items with a score as good or better, itself among them; shape (n_items,).
        n_scored: Existing items whose score is above -inf.
    """

    order: NDArray[np.int32]
    places: NDArray[np.int64]
    above: NDArray[np.int64]
    until: NDArray[np.int64]
    n_scored: int

    @classmethod
    def of(cls, scores: NDArray[np.float32], absent: NDArray[np.bool_]) -> "SharedRanking":
        """Sort the scores of all items, shape (n_items,), of which some do not exist."""
        present = np.flatnonzero(~absent)
        by_score = np.argsort(-scores[present], kind="stable")
        order = present[by_score]
        falling = -scores[order]
        m = len(order)
        places, above, until = (np.full(len(scores), m, np.int64) for _ in range(3))
        places[order] = np.arange(m)
        above[order] = np.searchsorted(falling, falling, "left")
        until[order] = np.searchsorted(falling, falling, "right")
        n_scored = int(np.searchsorted(falling, np.inf))
        return cls(order.astype(np.int32), places, above, until, n_scored)

    def lists(self, left_out: Touched, k: int) -> NDArray[np.int32]:
        """The first k items of the order that are not left out for each of n users.

        Returns:
            Item rows, shape (n, k), best first; NO_ROW where fewer may be listed.
        """
        n, m = len(left_out.starts) - 1, len(self.order)
        if not m:
            return np.full((n, k), NO_ROW, np.int32)
        keys = self._keys(left_out.rows, left_out.items)
        rows, places = np.divmod(keys, m)
        # How many of a user's items that stand before a left out one are listed.
        listed_before = places - (np.arange(len(keys)) - np.searchsorted(keys, rows * m))
        near = listed_before < k
        stops = np.bincount(rows[near] * k + listed_before[near], minlength=n * k)
        taken = np.arange(k) + np.cumsum(stops.reshape(n, k), axis=1)
        items = self.order[np.minimum(taken, m - 1)]
        return np.where(taken < self.n_scored, items, np.int32(NO_ROW))

    def wins(
        self, left_out: Touched, rows: NDArray[np.intp], items: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """The share of the irrelevant candidates that each relevant item beats; a tie counts half.

        Args:
            left_out: Items that are no candidates, of n users.
            rows: The user of each relevant item, ascending, shape (p,).
            items: The relevant items, none of them left out, each once a user; shape (p,). One that
                does not exist beats nothing.

        Returns:
            As `metrics.wins`: values in [0, 1], shape (p,); nan where all candidates are relevant,
            or one has -inf.
        """
        n, m = len(left_out.starts) - 1, len(self.order)
        if not m:
            return np.full(len(rows), np.nan, np.float32)
        others = self._keys(left_out.rows, left_out.items)
        gone = [
            (keys, np.searchsorted(keys, np.arange(n) * m))
            for keys in (others, self._keys(rows, items))
        ]

        def left(of: NDArray[np.intp], places: NDArray[np.int64]) -> NDArray[np.int64]:
            """Irrelevant candidates of users that stand before places of the order."""
            wanted = of * m + places
            counted = (np.searchsorted(keys, wanted) - starts[of] for keys, starts in gone)
            return places - sum(counted, np.int64(0))

        n_irrelevant = left(np.arange(n), np.full(n, m))[rows]
        dropped = np.bincount(others[others % m >= self.n_scored] // m, minlength=n)
        whole = (dropped == m - self.n_scored)[rows]
        better, as_good = left(rows, self.above[items]), left(rows, self.until[items])
        beaten = ((n_irrelevant - as_good) + (n_irrelevant - better)) / 2
        beaten[self.places[items] == m] = 0
        return share(beaten, n_irrelevant * whole).astype(np.float32)

    def _keys(self, rows: NDArray[np.intp], items: NDArray[np.int32]) -> NDArray[np.int64]:
        """User and place of each pair whose item exists, as one number, ascending."""
        places = self.places[items]
        exist = places < len(self.order)
        keys: NDArray[np.int64] = rows[exist] * np.int64(len(self.order)) + places[exist]
        keys.sort()
        return keys
