"""The replay: test, then learn.

For each day of a window, everything before it makes the lists, and the lists meet what users did on
the day. A scorer is handed `interactions.before(day)` and nothing else, so it cannot read the day.
All items that exist on the day are ranked, never a sample of negatives.

- Target `new`: items that the user touched before, with any sign, are left out of the list, and
  only items that the user never touched are relevant.
- Target `all`: nothing is left out, and every item that the user took to on the day is relevant.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation.listing import (
    Batch,
    Before,
    days_of,
    list_scored,
    list_shared,
    open_day,
    parts_of,
)
from recsys_tasks.evaluation.replays import KS, Replay
from recsys_tasks.evaluation.touched import Touched
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


@runtime_checkable
class SharedScorer(Scorer, Protocol):
    """One that scores everyone alike: items are sorted once a day, not once a user.

    Its lists and AUC are those that `scores` would give, to the bit.
    """

    def shared_scores(self, past: Interactions, day: int) -> NDArray[np.float32]:
        """The row of scores that each user has, shape (n_items,); as `scores`, nan is an error."""


def replay(  # noqa: PLR0913 -- the choices of the protocol, each named, each with its default
    interactions: Interactions,
    catalogue: Catalogue,
    n_users: int,
    scorers: Sequence[Scorer],
    since: int,
    until: int,
    *,
    ks: tuple[int, ...] = KS,
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
    met = Replay.blank(since, until, ks, truth, keys, catalogue, len(everyone) - len(truth))
    counted = Popularity(len(catalogue))
    _fit(scorers, interactions.before(since), catalogue, since)
    fitted = since
    for whole in days_of(truth):
        day, past = whole.day, interactions.before(whole.day)
        if retrain_every is not None and day >= fitted + retrain_every:
            _fit(scorers, past, catalogue, day)
            fitted = day
        before = Before(
            counted.before(past, day).astype(np.float32),
            catalogue.since > day,
            Touched.of(past, truth.users[whole.rows], len(catalogue)),
        )
        _meet(met, whole, scorers, past, before)
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
    met: Replay, whole: Batch, scorers: Sequence[Scorer], past: Interactions, before: Before
) -> None:
    """Write into `met` what every scorer lists for the user-days of a day."""
    open_day(met, whole, before)
    personal = [scorer for scorer in scorers if not isinstance(scorer, SharedScorer)]
    for scorer in scorers:
        if isinstance(scorer, SharedScorer):
            scores = _checked(scorer, scorer.shared_scores(past, whole.day), whole.day)
            list_shared(met, scorer.name, whole, before, scores)
    for batch in parts_of(met.user_days, whole, BATCH_SIZE) if personal else ():
        _meet_batch(met, batch, personal, past, before)


def _meet_batch(
    met: Replay, batch: Batch, scorers: Sequence[Scorer], past: Interactions, before: Before
) -> None:
    """Write into `met` what scorers that score each user list for some user-days of a day."""
    users = met.user_days.users[batch.rows]
    left_out = {
        target: before.absent | before.left_out(target, batch.place).mask()
        for target in met.targets
    }
    for scorer in scorers:
        scores = _checked(scorer, scorer.scores(past, users, batch.day), batch.day)
        for target, banned in left_out.items():
            list_scored(met, (target, scorer.name), batch, scores, banned, before.counts)


def _checked(scorer: Scorer, scores: NDArray[np.float32], day: int) -> NDArray[np.float32]:
    if np.isnan(scores).any():
        message = f"{scorer.name} scored nan on day {day}"
        raise ValueError(message)
    return scores
