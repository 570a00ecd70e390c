"""Some user-days, and what is relevant on them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Part(NamedTuple):
    """The user-days with something relevant for a target in a segment.

    Attributes:
        rows: These n user-days, ascending.
        pairs: Their relevant items, ascending, shape (p,).
        position: Where in `rows` the user-day of each stands, ascending, shape (p,).
    """

    rows: NDArray[np.intp]
    pairs: NDArray[np.intp]
    position: NDArray[np.int32]

    @classmethod
    def of(cls, n: int, rows: NDArray[np.int32], relevant: NDArray[np.bool_]) -> "Part":
        """Out of n user-days.

        Args:
            n: How many there are.
            rows: The user-day of each item, ascending.
            relevant: Which items are relevant.
        """
        pairs = np.flatnonzero(relevant)
        of_pairs = rows[pairs]
        is_in = np.zeros(n, np.bool_)
        is_in[of_pairs] = True
        position = np.cumsum(is_in, dtype=np.int32) - 1
        return cls(np.flatnonzero(is_in), pairs, position[of_pairs])

    @property
    def n_relevant(self) -> NDArray[np.int32]:
        """How many items are relevant on each user-day, shape (n,)."""
        return np.bincount(self.position, minlength=len(self.rows)).astype(np.int32)

    def take(self, chosen: NDArray[np.bool_]) -> "Part":
        """The chosen user-days, shape (n,)."""
        kept = chosen[self.position]
        position = np.cumsum(chosen, dtype=np.int32) - 1
        return Part(self.rows[chosen], self.pairs[kept], position[self.position[kept]])
