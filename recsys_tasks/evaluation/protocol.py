"""The replay: test, then learn.

For each day of a window, everything before it makes the lists, and the lists meet what users did on
the day. A scorer is handed `interactions.before(day)` and nothing else, so it cannot read the day.
All items that exist on the day are ranked, never a sample of negatives.

- Target `new`: items that the user touched before, with any sign, are left out of the list, and
  only items that the user never touched are relevant.
- Target `all`: nothing is left out, and every item that the user took to on the day is relevant.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise, product
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation.metrics import wins
from recsys_tasks.evaluation.popularity import Popularity
from recsys_tasks.evaluation.top_k import top_k
from recsys_tasks.evaluation.user_days import TARGETS, Target, UserDays, user_days
from recsys_tasks.interactions import EPOCH, NO_ROW, Catalogue, Interactions

BATCH_SIZE: Final = 512


class Scorer(Protocol):
    """What ranks: a variant or a baseline."""

    @property
    def name(self) -> str:
        """Its name in `evaluations`."""

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Learn, and tune, on what precedes `day`: before the window, and at each retraining.

        Args:
            past: The interactions that precede `day`.
            catalogue: All items, with those that do not exist yet.
            day: The first day that will be asked for.
        """

    def scores(
        self, past: Interactions, users: NDArray[np.int32], day: int
    ) -> NDArray[np.float32]:
        """Scores of all items, higher is better, shape (n, n_items); -inf keeps an item out.

        Days are asked for in ascending order between two calls of `fit`. nan is an error.

        Args:
            past: The interactions that precede `day`; they extend those of the days before.
            users: Distinct rows of users, shape (n,).
            day: The day for which the list is made.
        """


class Lists(NamedTuple):
    """What a variant listed for n user-days, and how it scored their p relevant items.

    Attributes:
        ranked: Item rows, best first, NO_ROW where a list is short, shape (n, k).
        popularity: Interactions of each listed item before the day, shape (n, k).
        wins: Share of the irrelevant candidates that each relevant item beats, shape (p,); nan
            where the item is not relevant for the target.
    """

    ranked: NDArray[np.int32]
    popularity: NDArray[np.float32]
    wins: NDArray[np.float32]


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


class _Batch(NamedTuple):
    """User-days of one day that are scored at once, and their relevant items, as slices."""

    day: int
    rows: slice
    pairs: slice


def replay(  # noqa: PLR0913 -- the choices of the protocol, each named, each with its default
    interactions: Interactions,
    catalogue: Catalogue,
    n_users: int,
    scorers: Sequence[Scorer],
    since: int,
    until: int,
    *,
    ks: tuple[int, ...] = (10, 50),
    targets: tuple[Target, ...] = TARGETS,
    max_user_days: int | None = None,
    retrain_every: int | None = None,
    on_day: Callable[[int], None] | None = None,
    seed: int = 0,
) -> Replay:
    """Let every scorer list for every user-day of [since, until), from what precedes the day.

    Args:
        interactions: In ascending order of time; those from `until` on are not read.
        catalogue: All items. Candidates on a day are those with `since` <= the day; a relevant item
            that does not exist yet stays relevant, and no list can hold it.
        n_users: Users are the rows below it.
        scorers: With distinct names.
        since: First day.
        until: The day after the last.
        ks: Lengths at which lists are cut, ascending; lists are as long as the last.
        targets: `new`, `all` or both.
        max_user_days: Replay a seeded sample of so many; None for all.
        retrain_every: Fit again after so many days; None to fit once, before the window.
        on_day: Told each day that is done, for a progress bar.
        seed: Of the sample.

    Raises:
        NothingToEvaluate: There is no user-day.
        ValueError: A scorer gave nan.
    """
    everyone = user_days(interactions, catalogue, n_users, since, until)
    if not len(everyone):
        first, last = (EPOCH + timedelta(days=day) for day in (since, until))
        raise NothingToEvaluate(since=first, until=last)
    truth = _sample(everyone, max_user_days, seed)
    names = [scorer.name for scorer in scorers]
    met = _unmet(since, until, ks, truth, len(everyone) - len(truth), catalogue)
    met.lists.update((key, _no_lists(truth, ks[-1])) for key in product(targets, names))
    popularity = Popularity(len(catalogue))
    _fit(scorers, interactions.before(since), catalogue, since)
    fitted = since
    for day, batches in groupby(_batches(truth), key=attrgetter("day")):
        past = interactions.before(day)
        if retrain_every is not None and day >= fitted + retrain_every:
            _fit(scorers, past, catalogue, day)
            fitted = day
        counts = popularity.before(past, day).astype(np.float32)
        for batch in batches:
            _meet(met, batch, scorers, past, counts)
        if on_day is not None:
            on_day(day)
    return met


def _sample(everyone: UserDays, size: int | None, seed: int) -> UserDays:
    """At most `size` of the user-days, drawn without replacement, in their order."""
    if size is None or size >= len(everyone):
        return everyone
    chosen = np.random.default_rng(seed).choice(len(everyone), size, replace=False)
    return everyone.take(np.sort(chosen))


def _unmet(
    since: int,
    until: int,
    ks: tuple[int, ...],
    truth: UserDays,
    n_left_out: int,
    catalogue: Catalogue,
) -> Replay:
    """A replay that nobody listed anything for yet."""
    popularity, total = (np.zeros(n, np.float32) for n in (len(truth.items), len(truth)))
    return Replay(since, until, ks, truth, n_left_out, popularity, total, {}, catalogue)


def _no_lists(truth: UserDays, k: int) -> Lists:
    return Lists(
        ranked=np.full((len(truth), k), NO_ROW, np.int32),
        popularity=np.zeros((len(truth), k), np.float32),
        wins=np.full(len(truth.items), np.nan, np.float32),
    )


def _fit(scorers: Sequence[Scorer], past: Interactions, catalogue: Catalogue, day: int) -> None:
    for scorer in scorers:
        scorer.fit(past, catalogue, day)


def _batches(truth: UserDays) -> Iterator[_Batch]:
    """The user-days in order, at most BATCH_SIZE at once, never two days together."""
    changes = np.flatnonzero(np.diff(truth.days)) + 1
    for start, end in pairwise([0, *changes.tolist(), len(truth)]):
        for first in range(start, end, BATCH_SIZE):
            last = min(first + BATCH_SIZE, end)
            pairs = slice(*np.searchsorted(truth.rows, [first, last]).tolist())
            yield _Batch(int(truth.days[first]), slice(first, last), pairs)


def _meet(
    met: Replay,
    batch: _Batch,
    scorers: Sequence[Scorer],
    past: Interactions,
    counts: NDArray[np.float32],
) -> None:
    """Write into `met` what every scorer lists for a batch of user-days."""
    truth, users = met.user_days, met.user_days.users[batch.rows]
    met.total[batch.rows] = counts.sum(dtype=np.float64)
    met.popularity[batch.pairs] = counts[truth.items[batch.pairs]]
    absent = met.catalogue.since > batch.day
    left_out = {
        target: absent | _touched(past, users, len(absent), target)
        for target in dict.fromkeys(target for target, _ in met.lists)
    }
    for scorer in scorers:
        scores = scorer.scores(past, users, batch.day)
        if np.isnan(scores).any():
            message = f"{scorer.name} scored nan on day {batch.day}"
            raise ValueError(message)
        for target, banned in left_out.items():
            lists = met.lists[target, scorer.name]
            ranked = top_k(np.where(banned, np.float32(-np.inf), scores), lists.ranked.shape[1])
            lists.ranked[batch.rows] = ranked
            lists.popularity[batch.rows] = np.where(ranked == NO_ROW, 0, counts[ranked])
            pairs = batch.pairs.start + np.flatnonzero(truth.relevant(target)[batch.pairs])
            rows = truth.rows[pairs] - np.int32(batch.rows.start)
            candidates = np.where(banned, np.float32(np.nan), scores)
            lists.wins[pairs] = wins(candidates, rows, truth.items[pairs])


def _touched(
    past: Interactions, users: NDArray[np.int32], n_items: int, target: Target
) -> NDArray[np.bool_]:
    """What the target leaves out of lists since users touched it before, shape (n, n_items)."""
    touched = np.zeros((len(users), n_items), np.bool_)
    if target == "all":
        return touched
    last = max(int(past.users.max(initial=0)), int(users.max(initial=0)))
    position = np.full(last + 1, NO_ROW, np.int32)
    position[users] = np.arange(len(users))
    rows = position[past.users]
    known = (rows != NO_ROW) & (past.items != NO_ROW)
    touched[rows[known], past.items[known]] = True
    return touched
