"""A training that is worth no more than an epsilon to anybody, whatever they ever did."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.interactions import date_of
from recsys_tasks.interest_model import InterestModel, Learned
from recsys_tasks.noise import NoiseKey, Release, concentrated, worth
from recsys_tasks.training.options import TrainingData
from recsys_tasks.training.private.descent import descend
from recsys_tasks.training.private.described import Described, described
from recsys_tasks.training.private.judging import Verdict, judge, ndcg
from recsys_tasks.training.private.parameters import Form
from recsys_tasks.training.private.releasing import GRID, Telling
from recsys_tasks.trends import ToldDays

DELTA: Final = 1e-6
JUDGED_DAYS: Final = 28  # the last ones: not learned from
JUDGED_SHARE: Final = 4  # of all days that were told, a quarter at most
MOST_USERS: Final = 10_000  # about so many are drawn, where there are more
# Of what a training may cost: how many users there are, what is learned, whether it is better.
COUNTED, _LEARNED, JUDGED = 0.04, 0.81, 0.15


class Spent(NamedTuple):
    """What a training was worth to whoever is in it.

    Attributes:
        epsilon: With a probability of delta at most that it is more.
        delta: DELTA, and what 64-bit words leave out of the noise.
        rho: Of zero-concentrated privacy: those of several trainings add up.
        content: A keyed digest of all that was told.
    """

    epsilon: float
    delta: float
    rho: float
    content: bytes


class PrivateTraining(NamedTuple):
    """What came out.

    Attributes:
        model: What was learned.
        trained_until: The day after the last that it was learned from.
        n_users: About how many it was learned from.
        verdict: Beside the model that served, on the days after; None where nobody was there.
        spent: What it cost.
    """

    model: Learned
    trained_until: int
    n_users: int
    verdict: Verdict | None
    spent: Spent


@dataclass(frozen=True)
class Lesson:
    """What is learned from and judged on: the same whatever a training may cost.

    Attributes:
        data: The history of who is learned from.
        told: What was told of its days.
        days: Those that are judged: not learned from.
        form: Of the model.
        read: User-days before `days`.
    """

    data: TrainingData
    told: ToldDays
    days: range
    form: Form
    read: Described

    @classmethod
    def of(cls, data: TrainingData, told: ToldDays, days: range) -> "Lesson":
        """Read what precedes `days`."""
        catalogue = data.catalogue
        form = Form.of(data.zero_shot, catalogue.vectors, catalogue.since < days.start)
        return cls(data, told, days, form, described(data, told, days.start, form))

    def learned(self, telling: Telling, rho: float) -> tuple[Learned, float]:
        """A model, and about how many users it was learned from; rho is of the whole training."""
        read, start = self.read, self.form.first()
        n = _count(len(read.starts), "learned from", telling, rho * COUNTED / 2)
        return self.form.model(descend(read, start, n, telling, rho * _LEARNED)), n

    def ndcg(self, model: InterestModel) -> NDArray[np.float64]:
        """Of each user who is judged, without noise."""
        return ndcg(self.data, self.told, model, self.days)


def learn(  # noqa: PLR0913  a history, what was told of it, and what it may cost
    data: TrainingData,
    told: ToldDays,
    user_names: Sequence[str],
    until: int,
    rival: InterestModel,
    key: NoiseKey,
    release: Release,
    *,
    epsilon: float,
    on_stage: Callable[[str], None],
) -> PrivateTraining:
    """Learn from what precedes the last days before `until`, and judge it on them.

    Repeated on the same history it is the same, to the bit.

    Args:
        data: The history; its items' days are the catalogue's, and no user's.
        told: What was told of its days, with noise of its own.
        user_names: By row of the user: what says who is drawn.
        until: The day after the last.
        rival: The model that serves, without its second stage.
        key: What noise is made of.
        release: What this is told as.
        epsilon: What it may cost for a user, all they ever did.
        on_stage: Told what is being done.

    Raises:
        NothingToEvaluate: No day was told before those that are judged.
    """
    days = judged_days(told, until)
    telling, rho = Telling(key, release), concentrated(epsilon, DELTA)
    theirs = drawn(data, user_names, key, release, telling, rho * COUNTED / 2)
    on_stage(f"learning from what precedes {date_of(days.start)}")
    lesson = Lesson.of(theirs, told, days)
    model, n = lesson.learned(telling, rho)
    on_stage(f"comparing on {date_of(days.start)} until {date_of(until)}")
    verdict = judge(lesson.ndcg(model), lesson.ndcg(rival), telling, rho * JUDGED)
    delta = DELTA + float(1 + np.exp(epsilon)) * telling.defect
    spent = Spent(worth(rho, DELTA), delta, rho, telling.content)
    return PrivateTraining(model, days.start, round(n), verdict, spent)


def judged_days(told: ToldDays, until: int) -> range:
    """The last days before `until`.

    Raises:
        NothingToEvaluate: No day was told before them.
    """
    first = int(told.told.min(initial=until))
    since = until - min(JUDGED_DAYS, (until - first) // JUDGED_SHARE)
    if not first < since < until:
        raise NothingToEvaluate(since="the first day that was told", until=date_of(until))
    return range(since, until)


def drawn(
    data: TrainingData,
    user_names: Sequence[str],
    key: NoiseKey,
    release: Release,
    telling: Telling,
    rho: float,
) -> TrainingData:
    """The same of about MOST_USERS of its users: whoever else is there changes nobody's lot."""
    n = _count(len(user_names), "users", telling, rho)
    words, _ = key.words(release._replace(mechanism="who is drawn"), b"", user_names)
    share = min(MOST_USERS / max(n, 1.0), 1.0)
    are_drawn = words / 2.0**64 < share
    interactions = data.interactions
    return replace(data, interactions=interactions.where(are_drawn[interactions.users]))


def _count(n: int, what: str, telling: Telling, rho: float) -> float:
    """A number of users with noise."""
    return float(telling.tell(what, ["users"], np.array([n * GRID], np.int64), 1.0, rho)[0])
