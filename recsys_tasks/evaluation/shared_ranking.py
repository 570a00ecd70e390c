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

    def meet(
        self, left_out: Touched, rows: NDArray[np.intp], items: NDArray[np.int32], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
        """What n users are listed, where their relevant items stand, and what those beat.

        Args:
            left_out: Items that are no candidates of the n users.
            rows: The user of each relevant item, ascending, shape (p,).
            items: The relevant items, none of them left out, each once a user; shape (p,). One that
                does not exist beats nothing.
            k: Length of a list.

        Returns:
            The first k items of the order that are not left out, NO_ROW where fewer may be listed,
            shape (n, k); the place of each relevant item in it, from 0 on, NO_ROW where it is not
            listed, shape (p,); and as `metrics.wins` the share of the irrelevant candidates that
            each relevant item beats, a tie counting half, shape (p,): nan where all candidates are
            relevant, or one has -inf.
        """
        if not len(self.order):
            nowhere = np.full((len(left_out.starts) - 1, k), NO_ROW, np.int32)
            unlisted = np.full(len(rows), NO_ROW, np.int32)
            return nowhere, unlisted, np.full(len(rows), np.nan, np.float32)
        skipped = self._stops(left_out.rows, left_out.items, len(left_out.starts) - 1)
        # Who asks in ascending order is answered faster.
        asked = np.argsort(rows * np.int64(len(self.order) + 1) + self.places[items])
        places, wins = np.empty(len(rows), np.int32), np.empty(len(rows), np.float32)
        places[asked] = self._places(skipped, rows, items[asked], k)
        wins[asked] = self._wins(skipped, rows, items[asked])
        return self._lists(skipped, k), places, wins

    def _lists(self, skipped: "_Stops", k: int) -> NDArray[np.int32]:
        """A walk down the order: a stop moves everything behind it one place up."""
        listed_before = skipped.places - (
            np.arange(len(skipped.keys)) - skipped.starts[skipped.rows]
        )
        near = listed_before < k
        if not near.any():  # everyone's list
            first = np.full(k, NO_ROW, np.int32)
            first[: self.n_scored] = self.order[: min(k, self.n_scored)]
            return np.tile(first, (skipped.n, 1))
        cells = skipped.rows[near] * k + listed_before[near]
        stops = np.bincount(cells, minlength=skipped.n * k).reshape(skipped.n, k)
        taken = np.arange(k) + np.cumsum(stops, axis=1)
        items = self.order[np.minimum(taken, len(self.order) - 1)]
        return np.where(taken < self.n_scored, items, np.int32(NO_ROW))

    def _places(
        self, skipped: "_Stops", rows: NDArray[np.intp], items: NDArray[np.int32], k: int
    ) -> NDArray[np.int32]:
        """Where items stand in the lists: a stop moves everything behind it one place up."""
        common = self.places[items]
        near = np.flatnonzero((common < self.n_scored) & (common < k + skipped.counts[rows]))
        own = common[near] - skipped.before(rows[near], common[near])
        places = np.full(len(rows), NO_ROW, np.int32)
        places[near] = np.where(own < k, own, NO_ROW)
        return places

    def _wins(
        self, skipped: "_Stops", rows: NDArray[np.intp], items: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """What is beaten in the common order, less what is no candidate, or relevant too.

        A user's items come in the common order.
        """
        m = len(self.order)
        places = self.places[items]
        relevant = _Stops((rows * np.int64(m) + places)[places < m], skipped.n, m)
        n_irrelevant = m - (skipped.counts + relevant.counts)[rows]

        def left_before(of: NDArray[np.intp], place: NDArray[np.int64]) -> NDArray[np.int64]:
            return place - skipped.before(of, place) - relevant.before(of, place)

        above, until = self.above[items], self.until[items]
        better = left_before(rows, above)
        as_good = better.copy()  # a relevant item is gone itself
        tied = np.flatnonzero(until > above + 1)
        as_good[tied] = left_before(rows[tied], until[tied])
        unscored = np.bincount(skipped.rows[skipped.places >= self.n_scored], minlength=skipped.n)
        whole = unscored[rows] == m - self.n_scored
        beaten = ((n_irrelevant - as_good) + (n_irrelevant - better)) / 2
        beaten[places == m] = 0
        return share(beaten, n_irrelevant * whole).astype(np.float32)

    def _stops(self, rows: NDArray[np.intp], items: NDArray[np.int32], n: int) -> "_Stops":
        """Where in the order items of n users stand; without those that do not exist."""
        m = len(self.order)
        places = self.places[items]
        exist = places < m
        return _Stops(np.sort(rows[exist] * np.int64(m) + places[exist]), n, m)


class _Stops:
    """Places in an order of m items, by user.

    Attributes:
        keys: User * m + place, ascending.
        n: How many users there are.
        m: How many places.
        starts: Where the keys of each user start, shape (n,).
        rows: The user of each key.
        places: Its place.
    """

    def __init__(self, keys: NDArray[np.int64], n: int, m: int) -> None:
        """Out of the keys."""
        self.keys, self.n, self.m = keys, n, m
        self.starts = np.searchsorted(keys, np.arange(n) * np.int64(m))
        self.rows = np.repeat(np.arange(n), self.counts)
        self.places = keys - self.rows * m

    @property
    def counts(self) -> NDArray[np.intp]:
        """How many keys each user has, shape (n,)."""
        return np.diff(self.starts, append=len(self.keys))

    def before(self, rows: NDArray[np.intp], places: NDArray[np.int64]) -> NDArray[np.intp]:
        """How many of users' keys stand before places, elementwise."""
        return np.searchsorted(self.keys, rows * self.m + places) - self.starts[rows]
