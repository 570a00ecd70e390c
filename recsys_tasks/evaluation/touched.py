"""Who touched what before a day: what target `new` leaves out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW, Interactions


@dataclass(frozen=True)
class Touched:
    """The items that each of n users touched, with any sign, each once.

    Attributes:
        starts: Where the items of each user start, and where the last ones end, shape (n + 1,).
        items: Rows of the items, ascending within a user.
        n_items: Items in the catalogue.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    n_items: int

    @classmethod
    def nothing(cls, n: int, n_items: int) -> "Touched":
        """As if nobody had touched anything."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), n_items)

    @classmethod
    def of_pairs(
        cls, rows: NDArray[np.intp], items: NDArray[np.int32], n: int, n_items: int
    ) -> "Touched":
        """Out of pairs of a user's position below n and an item, in any order and number."""
        keys = np.sort(rows * np.int64(n_items) + items)
        # By sorting: numpy's own unique hashes, which takes ten times as long on so many keys.
        keys = keys[np.diff(keys, prepend=-1) > 0]
        starts = np.searchsorted(keys, np.arange(n + 1, dtype=np.int64) * n_items)
        return cls(starts.astype(np.int64), (keys % max(n_items, 1)).astype(np.int32), n_items)

    @classmethod
    def of(cls, past: Interactions, users: NDArray[np.int32], n_items: int) -> "Touched":
        """What distinct users, by position in `users`, touched in the past."""
        last = max(int(past.users.max(initial=0)), int(users.max(initial=0)))
        position = np.full(last + 1, NO_ROW, np.intp)
        position[users] = np.arange(len(users))
        rows = position[past.users]
        known = (rows != NO_ROW) & (past.items != NO_ROW)
        return cls.of_pairs(rows[known], past.items[known], len(users), n_items)

    @classmethod
    def joined(cls, parts: Sequence["Touched"], n_items: int) -> "Touched":
        """Of users who stand one after the other."""
        sizes = np.concatenate([[0], *(np.diff(part.starts) for part in parts)])
        items = np.concatenate([np.zeros(0, np.int32), *(part.items for part in parts)])
        return cls(np.cumsum(sizes, dtype=np.int64), items, n_items)

    @property
    def rows(self) -> NDArray[np.intp]:
        """The position of the user of each item, ascending."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def part(self, chosen: slice) -> "Touched":
        """Of some users who stand together."""
        start, end, _ = chosen.indices(len(self.starts) - 1)
        starts = self.starts[start : end + 1]
        return Touched(starts - starts[0], self.items[starts[0] : starts[-1]], self.n_items)

    def mask(self) -> NDArray[np.bool_]:
        """The same as a matrix, shape (n, n_items)."""
        found = np.zeros((len(self.starts) - 1, self.n_items), np.bool_)
        found[self.rows, self.items] = True
        return found

    def has(self, rows: NDArray[np.intp], items: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether the users at `rows` touched the items, elementwise; NO_ROW is touched by nobody.

        Args:
            rows: Positions of users, of a shape that broadcasts with that of `items`.
            items: Rows of items.
        """
        wanted = rows * np.int64(self.n_items) + items
        if not len(self.items):
            return np.zeros(wanted.shape, np.bool_)
        keys = self.rows * np.int64(self.n_items) + self.items
        places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found: NDArray[np.bool_] = (keys[places] == wanted) & (items != NO_ROW)
        return found
