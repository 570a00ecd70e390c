"""Who did what on which day: the truth that lists are held against.

A user-day is a user with at least one relevant interaction on a day: one with an item and a weight
above 0. A user and an item count once a day. The truth reads the days that it is about; lists must
not, so nothing here is given to a scorer.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation.parts import Part
from recsys_tasks.evaluation.touched import Touched
from recsys_tasks.histories import relevant
from recsys_tasks.interactions import ALWAYS, NEVER, NO_ROW, Catalogue, Interactions

Target = Literal["new", "all"]
Segment = Literal["all", "cold", "light", "warm", "new_items", "known_items"]
TARGETS: Final[tuple[Target, ...]] = get_args(Target)
SEGMENTS: Final[tuple[Segment, ...]] = get_args(Segment)

LEARNT_SHARE: Final = 0.8
FIRST_WARM: Final = 5  # interactions before the day
NEW_FOR: Final = 7  # days
# Fewest and most interactions before the day.
_HISTORIES: Final[dict[Segment, tuple[int, int]]] = {
    "all": (0, NEVER),
    "cold": (0, 0),
    "light": (1, FIRST_WARM - 1),
    "warm": (FIRST_WARM, NEVER),
}


@dataclass(frozen=True)
class UserDays:
    """n user-days in ascending order of day, then user, and their p relevant items.

    Attributes:
        users: Row of the user, shape (n,).
        days: The day, shape (n,).
        history: Interactions of the user before the day, of any sign, shape (n,).
        rows: The user-day of each relevant item, ascending, shape (p,).
        items: Row of the item, ascending within a user-day, shape (p,).
        untouched: Whether the user never touched the item before the day, whatever the sign; (p,).
        new: Whether the item is new this week, shape (p,): it exists for less than 7 days, by
            `Catalogue.since`; where that is unknown, nobody took to it, or for less than 7 days.
    """

    users: NDArray[np.int32]
    days: NDArray[np.int32]
    history: NDArray[np.int32]
    rows: NDArray[np.int32]
    items: NDArray[np.int32]
    untouched: NDArray[np.bool_]
    new: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.users)

    def relevant(
        self, target: Target, segment: Segment = "all", *, pairs: slice = slice(None)
    ) -> NDArray[np.bool_]:
        """Which of the p items are relevant for a target, in a segment; of some `pairs` of them.

        Target `new` is about items that the user never touched; target `all` about every item.
        """
        chosen = self._in_segment(segment, pairs)
        return chosen & self.untouched[pairs] if target == "new" else chosen

    def _in_segment(self, segment: Segment, pairs: slice) -> NDArray[np.bool_]:
        """Users by interactions before the day: 0, 1-4, 5 or more. Items by age."""
        if segment in ("new_items", "known_items"):
            return np.equal(self.new[pairs], segment == "new_items")
        least, most = _HISTORIES[segment]
        history = self.history[self.rows[pairs]]
        return np.logical_and(history >= least, history <= most)

    def part(self, target: Target, segment: Segment) -> Part:
        """The user-days with something relevant, found once: everyone who lists for them asks."""
        if (target, segment) not in self._parts:
            relevant = self.relevant(target, segment)
            self._parts[target, segment] = Part.of(len(self), self.rows, relevant)
        return self._parts[target, segment]

    @cached_property
    def _parts(self) -> dict[tuple[Target, Segment], Part]:
        return {}

    def take(self, chosen: NDArray[np.intp]) -> "UserDays":
        """The chosen user-days, which must ascend, with their items."""
        position = np.full(len(self), NO_ROW, np.int32)
        position[chosen] = np.arange(len(chosen))
        kept = position[self.rows] != NO_ROW
        return UserDays(
            users=self.users[chosen],
            days=self.days[chosen],
            history=self.history[chosen],
            rows=position[self.rows[kept]],
            items=self.items[kept],
            untouched=self.untouched[kept],
            new=self.new[kept],
        )


def user_days(
    interactions: Interactions, catalogue: Catalogue, n_users: int, since: int, until: int
) -> UserDays:
    """The user-days of the days in [since, until), with all that is relevant on them."""
    n_items = len(catalogue)
    happened = interactions.before(until)
    happened = happened.where(happened.items != NO_ROW)
    window = relevant(happened.between(since, until))
    grid = (until - since, n_users, n_items)
    pairs = np.unique(np.ravel_multi_index((window.days - since, window.users, window.items), grid))
    keys, rows = np.unique(pairs // n_items, return_inverse=True)
    days, users = (part.astype(np.int32) for part in np.divmod(keys, n_users))
    items = (pairs % n_items).astype(np.int32)
    days += np.int32(since)
    return UserDays(
        users=users,
        days=days,
        history=_n_before(interactions.before(until), users, days, n_users),
        rows=rows.astype(np.int32),
        items=items,
        untouched=_first_touch(happened, users[rows], items, n_users, n_items) >= days[rows],
        new=_first_day(relevant(happened), catalogue)[items] > days[rows] - NEW_FOR,
    )


def of_one_day(
    day: int,
    users: NDArray[np.intp],
    items: NDArray[np.int32],
    history: NDArray[np.int32],
    touched: Touched,
    first_days: NDArray[np.int32],
) -> UserDays:
    """As `user_days` of one day, out of what is known of its users alone.

    Args:
        day: The day.
        users: The user of each relevant interaction of the day, every one below n, shape (m,).
        items: Its item, shape (m,).
        history: Interactions of each user before the day, of any sign, shape (n,).
        touched: What the n users touched before the day.
        first_days: As `days_since` gives them.
    """
    taken = Touched.of_pairs(users, items, len(history), touched.n_items)
    rows, items = taken.rows, taken.items
    return UserDays(
        users=np.arange(len(history), dtype=np.int32),
        days=np.full(len(history), day, np.int32),
        history=history,
        rows=rows.astype(np.int32),
        items=items,
        untouched=~touched.has(rows, items),
        new=first_days[items] > day - NEW_FOR,
    )


def days_since(catalogue: Catalogue, first_taken: NDArray[np.int32]) -> NDArray[np.int32]:
    """The day since which each item exists or, where that is unknown, is taken to; (n_items,).

    Args:
        catalogue: Every item.
        first_taken: The day on which an item was first taken to, NEVER for one that was not.
    """
    return np.where(catalogue.since == ALWAYS, first_taken, catalogue.since)


def last_fifth(interactions: Interactions) -> tuple[int, int]:
    """The whole days, half-open, that hold the last 20% of the interactions by time.

    The day on which the 80th percentile falls belongs to them.

    Raises:
        NothingToEvaluate: There are no interactions.
    """
    if not len(interactions):
        raise NothingToEvaluate(since="the first day", until="the last")
    first = interactions.times[int(LEARNT_SHARE * len(interactions))]
    return int(np.floor(first)), int(np.floor(interactions.times[-1])) + 1


def _n_before(
    interactions: Interactions,
    users: NDArray[np.int32],
    days: NDArray[np.int32],
    n_users: int,
) -> NDArray[np.int32]:
    """Interactions of each user before each day, shape (n,)."""
    asked = np.zeros(n_users, np.bool_)
    asked[users] = True
    theirs = interactions.where(asked[interactions.users])
    first, last = (int(interactions.days[end]) for end in (0, -1)) if len(interactions) else (0, 0)
    span = last - first + 2
    keys = np.sort(theirs.users.astype(np.int64) * span + theirs.days - first)
    start = users.astype(np.int64) * span
    before = np.searchsorted(keys, start + days - first) - np.searchsorted(keys, start)
    return before.astype(np.int32)


def _first_touch(
    interactions: Interactions,
    users: NDArray[np.int32],
    items: NDArray[np.int32],
    n_users: int,
    n_items: int,
) -> NDArray[np.int32]:
    """The day on which each user first touched each item, shape (p,); every pair must occur."""
    asked = np.zeros(n_users, np.bool_)
    asked[users] = True
    theirs = interactions.where(asked[interactions.users])
    # Interactions ascend in time, and unique points at the first of its kind.
    keys, first = np.unique(
        theirs.users.astype(np.int64) * n_items + theirs.items, return_index=True
    )
    found = np.searchsorted(keys, users.astype(np.int64) * n_items + items)
    days: NDArray[np.int32] = theirs.days[first[found]]
    return days


def _first_day(taken: Interactions, catalogue: Catalogue) -> NDArray[np.int32]:
    """As `days_since`, out of all relevant interactions."""
    items, first = np.unique(taken.items, return_index=True)
    days = np.full(len(catalogue), NEVER, np.int32)
    days[items] = taken.days[first]
    return days_since(catalogue, days)
