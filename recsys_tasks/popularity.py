"""How often each item was taken to, brought forward from day to day."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.histories import Taken, faded, once_a_day
from recsys_tasks.interactions import Interactions


class Daily(NamedTuple):
    """How many users took to an item on a day, in ascending order of day; arrays of shape (n,)."""

    items: NDArray[np.int32]
    days: NDArray[np.int32]
    counts: NDArray[np.float32]

    @classmethod
    def of(cls, taken: Taken, n_items: int) -> "Daily":
        """Count who took to what."""
        keys = taken.days.astype(np.int64) * n_items + taken.items
        pairs, counts = np.unique(keys, return_counts=True)
        days, items = (part.astype(np.int32) for part in np.divmod(pairs, max(n_items, 1)))
        return cls(items, days, counts.astype(np.float32))

    def faded(self, day: int, half_life: float | None, n_items: int) -> NDArray[np.float64]:
        """The counts of n_items items on a later `day`, shape (n_items,).

        What happened n days before weighs 2 ** (-n / half_life). An item's days are added in their
        order, so that the same days give the same bits.
        """
        weights = faded(day - self.days, half_life) * self.counts
        return np.bincount(self.items, weights, n_items).astype(np.float64)


class Popularity:
    """Decayed counts of relevant interactions, each user and item once a day.

    Each day is counted once: to move on costs the days in between, not the whole past. So the past
    of a later day has to extend the past of an earlier one; an earlier day starts anew.
    """

    def __init__(self, n_items: int, half_life: float | None = None) -> None:
        """Count n_items items; `half_life` is in days, None for counts that do not fade."""
        self.half_life = half_life
        self._counts = np.zeros(n_items)
        self._day: int | None = None

    def before(self, past: Interactions, day: int) -> NDArray[np.float64]:
        """The counts on `day` of what precedes it, shape (n_items,).

        An interaction of n days before weighs 2 ** (-n / half_life).
        """
        if self._day is None or day < self._day:
            self._counts = np.zeros_like(self._counts)
            self._day = int(np.floor(past.times[0])) if len(past) else day
        counts = self._counts * faded(np.array([day - self._day]), self.half_life)
        taken = Daily.of(once_a_day(past.between(self._day, day)), len(counts))
        self._counts = counts + taken.faded(day, self.half_life, len(counts))
        self._day = day
        return self._counts
