"""What is known of items whoever the user is, brought forward from day to day.

The night reads the same from tables (tested): decayed counts and how long an item exists.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention
from recsys_tasks.histories import once_a_day
from recsys_tasks.interactions import ALWAYS, NEVER, Catalogue, Interactions
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.noise import noise_in_sums, shrunk


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


class ToldDays(NamedTuple):
    """What was told of days with noise.

    Attributes:
        days: Of each count, ascending, shape (n,).
        items: Row of its item in the catalogue, shape (n,).
        counts: In users, below 0 too, shape (n,).
        told: Days that were told, whatever they count, ascending, shape (m,).
        variances: Of the noise in each count of these days, shape (m,).
    """

    days: NDArray[np.int32]
    items: NDArray[np.int32]
    counts: NDArray[np.float32]
    told: NDArray[np.int32]
    variances: NDArray[np.float64]


class ToldTrends(Trends):
    """The same out of what was told of days: whatever else users did, it does not change.

    Sums are drawn to their mean as the night draws them. No age is known: where the catalogue does
    not tell it, it is told by who took to an item first.
    """

    def __init__(self, catalogue: Catalogue, half_lives: tuple[float, ...], told: ToldDays) -> None:
        """Count the catalogue's items; half-lives are in days."""
        self._told = told
        super().__init__(catalogue, half_lives)

    def _forget(self) -> None:
        super()._forget()
        self._doubt = np.zeros(len(self.half_lives))

    def before(self, past: Interactions, day: int) -> ItemFacts:
        """As told until the day before; `past` is not read."""
        del past
        if self._day is None or day < self._day:
            self._forget()
            self._day = min(day, int(self._told.told.min(initial=day)))
        faded = retention(day - self._day, self.half_lives)
        self._counts, self._doubt = self._counts * faded, self._doubt * faded**2
        first, last = np.searchsorted(self._told.days, [self._day, day])
        new = retention(day - 1 - self._told.days[first:last], self.half_lives)
        items, counts = self._told.items[first:last], self._told.counts[first:last]
        for k, gamma in enumerate(new.T):
            self._counts[:, k] += np.bincount(items, gamma * counts, len(self._counts))
        first, last = np.searchsorted(self._told.told, [self._day, day])
        ages = day - 1 - self._told.told[first:last]
        self._doubt += noise_in_sums(self._told.variances[first:last], ages, self.half_lives)
        self._day = day
        listed = self.catalogue.since != NEVER
        sums = np.zeros_like(self._counts)
        if listed.any():
            sums[listed] = shrunk(self._counts[listed], self._doubt)
        unknown = np.full(len(sums), np.inf, np.float32)
        return ItemFacts(self.catalogue.vectors, sums.astype(np.float32), unknown)
