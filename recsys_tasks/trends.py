"""What is known of items whoever the user is, brought forward from day to day.

The night reads the same from tables (tested): decayed counts and how long an item exists.
"""

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention
from recsys_tasks.histories import once_a_day
from recsys_tasks.interactions import ALWAYS, Catalogue, Interactions
from recsys_tasks.interest_model import ItemFacts


class Trends:
    """Decayed counts of relevant interactions at several half-lives, and the ages of items.

    A user and an item count once a day. Each day is counted once: the past of a later day has to
    extend the past of an earlier one; an earlier day starts anew.
    """

    def __init__(self, catalogue: Catalogue, half_lives: tuple[float, ...]) -> None:
        """Count the catalogue's items; half-lives are in days."""
        self.catalogue = catalogue
        self.half_lives = half_lives
        self._forget()

    def _forget(self) -> None:
        """Start anew."""
        self._counts = np.zeros((len(self.catalogue), len(self.half_lives)))
        self._first = np.full(len(self.catalogue), np.inf, np.float32)
        self._day: int | None = None

    def before(self, past: Interactions, day: int) -> ItemFacts:
        """What the night before `day` knows: its own day counts in full.

        An item is as old as the catalogue says or, where that is not known, as it was first taken
        to; 0 on the day itself, inf where neither is known.

        Args:
            past: The interactions that precede `day`.
            day: The day that lists are made for.
        """
        if self._day is None or day < self._day:
            self._forget()
            self._day = int(np.floor(past.times[0])) if len(past) else day
        taken = once_a_day(past.between(self._day, day))
        # Seen from the end of the night, one day before `day` is over.
        self._counts *= retention(day - self._day, self.half_lives)
        gammas = retention(day - 1 - taken.days, self.half_lives)
        for k, gamma in enumerate(gammas.T):
            self._counts[:, k] += np.bincount(taken.items, gamma, len(self._counts))
        np.minimum.at(self._first, taken.items, taken.days)
        self._day = day
        return ItemFacts(self.catalogue.vectors, self._counts.astype(np.float32), self._ages(day))

    def _ages(self, day: int) -> NDArray[np.float32]:
        since = np.where(self.catalogue.since == ALWAYS, self._first, self.catalogue.since)
        ages = np.where(np.isinf(since), np.inf, np.maximum(day - since, 0))
        return ages.astype(np.float32)
