"""The replay: test, then learn.

For each day of a window, everything before it makes the lists, and the lists meet what users did on
the day. A scorer is handed `interactions.before(day)` and nothing else, so it cannot read the day.
All items that exist on the day are ranked, never a sample of negatives.

- Target `new`: items that the user touched before, with any sign, are left out of the list, and
  only items that the user never touched are relevant.
- Target `all`: nothing is left out, and every item that the user took to on the day is relevant.
"""

from collections.abc import Callable, Sequence
from itertools import groupby, product
from operator import attrgetter
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation.listing import Batch, batches_of, touched, write_lists
from recsys_tasks.evaluation.replays import Replay, blank_lists
from recsys_tasks.evaluation.user_days import TARGETS, Target, UserDays, user_days
from recsys_tasks.interactions import Catalogue, Interactions, date_of
from recsys_tasks.popularity import Popularity

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

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """Scores of all items, higher is better, shape (n, n_items).

        -inf keeps an item out of the list, and leaves the AUC undefined; nan is an error. Days are
        asked for in ascending order between two calls of `fit`.

        Args:
            past: The interactions that precede `day`; they extend those of the days before.
            users: Distinct rows of users, shape (n,).
            day: The day for which the list is made.
        """


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
    max_days: int | None = None,
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
        max_days: On so many days at most; None for all.
        retrain_every: Fit again after so many days; None to fit once, before the window.
        on_day: Told each day that is done, for a progress bar.
        seed: Of the sample.

    Raises:
        NothingToEvaluate: There is no user-day.
        ValueError: A scorer gave nan.
    """
    everyone = user_days(interactions, catalogue, n_users, since, until)
    if not len(everyone):
        raise NothingToEvaluate(since=date_of(since), until=date_of(until))
    truth = sample(everyone, max_user_days, seed, max_days)
    keys = product(targets, (scorer.name for scorer in scorers))
    popularity, total = (np.zeros(size, np.float32) for size in (len(truth.items), len(truth)))
    met = Replay(
        since,
        until,
        ks,
        truth,
        len(everyone) - len(truth),
        popularity,
        total,
        blank_lists(truth, ks[-1], keys),
        catalogue,
    )
    counted = Popularity(len(catalogue))
    _fit(scorers, interactions.before(since), catalogue, since)
    fitted = since
    for day, batches in groupby(batches_of(truth, BATCH_SIZE), key=attrgetter("day")):
        past = interactions.before(day)
        if retrain_every is not None and day >= fitted + retrain_every:
            _fit(scorers, past, catalogue, day)
            fitted = day
        counts = counted.before(past, day).astype(np.float32)
        for batch in batches:
            _meet(met, batch, scorers, past, counts)
        if on_day is not None:
            on_day(day)
    return met


def sample(
    everyone: UserDays, size: int | None, seed: int, max_days: int | None = None
) -> UserDays:
    """At most `size` of the user-days, drawn without replacement, in their order.

    Of more than `max_days` days, those of the first user-days in a seeded order stay: a busy day is
    likelier to be among them.
    """
    random = np.random.default_rng(seed)
    if max_days is not None and len(np.unique(everyone.days)) > max_days:
        shuffled = everyone.days[random.permutation(len(everyone))]
        days, first = np.unique(shuffled, return_index=True)
        kept = days[np.argsort(first)[:max_days]]
        everyone = everyone.take(np.flatnonzero(np.isin(everyone.days, kept)))
    if size is None or size >= len(everyone):
        return everyone
    chosen = random.choice(len(everyone), size, replace=False)
    return everyone.take(np.sort(chosen))


def _fit(scorers: Sequence[Scorer], past: Interactions, catalogue: Catalogue, day: int) -> None:
    for scorer in scorers:
        scorer.fit(past, catalogue, day)


def _meet(
    met: Replay,
    batch: Batch,
    scorers: Sequence[Scorer],
    past: Interactions,
    counts: NDArray[np.float32],
) -> None:
    """Write into `met` what every scorer lists for a batch of user-days."""
    truth, users = met.user_days, met.user_days.users[batch.rows]
    met.total[batch.rows] = counts.sum(dtype=np.float64)
    met.popularity[batch.pairs] = counts[truth.items[batch.pairs]]
    absent = np.tile(met.catalogue.since > batch.day, (len(users), 1))
    left_out = {
        target: absent if target == "all" else absent | touched(past, users, len(counts))
        for target in met.targets
    }
    for scorer in scorers:
        scores = scorer.scores(past, users, batch.day)
        if np.isnan(scores).any():
            message = f"{scorer.name} scored nan on day {batch.day}"
            raise ValueError(message)
        for target, banned in left_out.items():
            write_lists(met, (target, scorer.name), batch, scores, banned, counts)
