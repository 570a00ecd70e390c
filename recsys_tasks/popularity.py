"""How often each item was taken to, brought forward from day to day."""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.histories import faded, once_a_day
from recsys_tasks.interactions import Interactions


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
        taken = once_a_day(past.between(self._day, day))
        weights = faded(day - taken.days, self.half_life)
        self._counts = counts + np.bincount(taken.items, weights, len(counts))
        self._day = day
        return self._counts
