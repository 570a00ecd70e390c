"""What a replay leaves behind: lists, and the truth that they met."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.evaluation.user_days import Target, UserDays
from recsys_tasks.interactions import NO_ROW, Catalogue

THREADS: Final = 2  # at work on one; more would wait for the interpreter
KS: Final = (10, 50)  # lengths at which lists are cut, if nothing else is asked for


class Lists(NamedTuple):
    """What a variant listed for n user-days, and how it scored their p relevant items.

    Attributes:
        ranked: Item rows, best first, NO_ROW where a list is short, shape (n, k).
        popularity: Interactions of each listed item before the day, shape (n, k).
        places: Where in the list each relevant item stands, from 0 on, shape (p,); NO_ROW where it
            does not, or is not relevant for the target.
        wins: Share of the irrelevant candidates that each relevant item beats, shape (p,); nan
            where the item is not relevant for the target.
    """

    ranked: NDArray[np.int32]
    popularity: NDArray[np.float32]
    places: NDArray[np.int32]
    wins: NDArray[np.float32]

    @classmethod
    def blank(cls, truth: UserDays, k: int) -> "Lists":
        """Empty lists, to be filled batch by batch."""
        return cls(
            ranked=np.full((len(truth), k), NO_ROW, np.int32),
            popularity=np.zeros((len(truth), k), np.float32),
            places=np.full(len(truth.items), NO_ROW, np.int32),
            wins=np.full(len(truth.items), np.nan, np.float32),
        )


@dataclass(frozen=True)
class Replay:
    """All lists of a window, and what they met.

    Attributes:
        since: First day of the window.
        until: The day after its last.
        ks: Lengths at which lists are cut, ascending.
        user_days: The n user-days that were replayed.
        n_left_out: User-days of the window that are not in the sample.
        popularity: Interactions before the day of each of the p relevant items, shape (p,).
        total: Interactions of all items before the day, shape (n,).
        lists: By target and name of the variant.
        catalogue: All items.
    """

    since: int
    until: int
    ks: tuple[int, ...]
    user_days: UserDays
    n_left_out: int
    popularity: NDArray[np.float32]
    total: NDArray[np.float32]
    lists: dict[tuple[Target, str], Lists]
    catalogue: Catalogue

    @classmethod
    def blank(
        cls,
        since: int,
        until: int,
        ks: tuple[int, ...],
        truth: UserDays,
        keys: Iterable[tuple[Target, str]],
        catalogue: Catalogue,
        n_left_out: int = 0,
    ) -> "Replay":
        """Empty lists for each target and variant, to be filled day by day."""
        popularity, total = (np.zeros(size, np.float32) for size in (len(truth.items), len(truth)))
        lists = {key: Lists.blank(truth, ks[-1]) for key in keys}
        return cls(since, until, ks, truth, n_left_out, popularity, total, lists, catalogue)

    @property
    def targets(self) -> list[Target]:
        """Those that were asked for, in that order."""
        return list(dict.fromkeys(target for target, _ in self.lists))

    @property
    def variants(self) -> list[str]:
        """Names of the variants and baselines, in the order of the scorers."""
        return list(dict.fromkeys(name for _, name in self.lists))

    def among(self, users: NDArray[np.int32], variants: Collection[str]) -> "Replay":
        """The user-days of some users, and the lists of some variants."""
        kept = {key: lists for key, lists in self.lists.items() if key[1] in variants}
        chosen = np.isin(self.user_days.users, users)
        if chosen.all():
            return replace(self, lists=kept)
        pairs = chosen[self.user_days.rows]
        return Replay(
            self.since,
            self.until,
            self.ks,
            self.user_days.take(np.flatnonzero(chosen)),
            self.n_left_out,
            self.popularity[pairs],
            self.total[chosen],
            {
                key: Lists(
                    of.ranked[chosen], of.popularity[chosen], of.places[pairs], of.wins[pairs]
                )
                for key, of in kept.items()
            },
            self.catalogue,
        )
