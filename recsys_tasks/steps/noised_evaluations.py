"""How good lists were, by segment, with noise: a night is released once.

A user of the day adds to one variant and one segment alone, at most 1 to the number of users and to
each metric; so sums over users change by no more where one comes or goes. Means are made of noised
sums afterwards, `all` is the sum of its segments, and what seems to have few users is not shown.
What a user did on earlier days decides lists and segments too: so a user spends this on every night
that judges a day on which they were active, and what they spend adds up.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from recsys_tasks.evaluation import TARGETS, Evaluation, ReadyLists, meet_day
from recsys_tasks.evaluation.judging import part_of
from recsys_tasks.evaluation.measuring import Measuring
from recsys_tasks.evaluation.records import records
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.evaluation.user_days import Segment
from recsys_tasks.interactions import day_number
from recsys_tasks.noise import GRID, NoiseKey, Release, bounded_steps, interval
from recsys_tasks.settings import Privacy, Settings, noise_secret, preset_of
from recsys_tasks.steps import digest_of
from recsys_tasks.steps.releasing import released
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import serving_model
from recsys_tasks.warehouse.served import FIRST_VARIANT, ServedDay, read_day

MECHANISM: Final = "evaluations"
METRICS: Final = ("ndcg", "hit_rate")
K: Final = 10
USERS: Final = "users"
# They have no user in common, so one user's part is in one of them.
PARTS: Final[tuple[Segment, ...]] = ("cold", "light", "warm")
SENSITIVITY: Final = len(TARGETS) * (1 + len(METRICS)) * GRID

Cell = tuple[str, str, str, str]  # variant, target, segment, and a metric or USERS
Sums = Mapping[Cell, int]  # in steps of 1 / GRID


class _Noised(NamedTuple):
    """Sums with noise, and its scale, in users."""

    sums: Mapping[Cell, float]
    scale: float


def release_evaluations(session: Session, settings: Settings, privacy: Privacy, day: date) -> int:
    """Release the nights whose lists a night can judge and that were not released.

    Returns:
        The number of rows of `evaluations`.
    """
    configuration = _configuration(privacy)
    due = [
        row[0] for row in session.rows("unreleased_nights", day=day, configuration=configuration)
    ]
    return sum(
        _release(session, settings, privacy, Release(MECHANISM, night, configuration))
        for night in due
    )


def _configuration(privacy: Privacy) -> str:
    return digest_of(privacy.evaluation_epsilon, privacy.rating_scale, privacy.edition, METRICS, K)


def _release(session: Session, settings: Settings, privacy: Privacy, release: Release) -> int:
    """Write what a day says of the lists that were served on it, in place of what there is.

    Returns:
        The number of rows: 0 where they were not to be had, or no night was published before.
    """
    day = release.day
    session.execute("withdraw_releases", mechanism=MECHANISM, days=[day])
    session.execute("delete_evaluations", night=day)
    session.execute("delete_user_days", night=day)
    night = session.value("served_night", day=day)
    if night is None or privacy.evaluation_epsilon is None:
        return 0
    model, scale = serving_model(session), privacy.rating_scale
    served = read_day(session, preset_of(settings), model, day, night, rating_scale=scale)
    # Variants that nobody was served are told too: whether somebody was is a person's affair.
    names = sorted({FIRST_VARIANT, *(name for _, name in session.rows("served_variants"))})
    key, cells = NoiseKey(noise_secret(settings)), _cells(names)
    noised = _noised(session, key, release, privacy.evaluation_epsilon, cells, _sums(served, day))
    rows = [
        row
        for name in names
        for target in TARGETS
        for row in _rows(noised, day_number(day), name, target, privacy.least_users)
    ]
    session.execute("insert_evaluations", evaluations=json.dumps(records(rows)))
    return len(rows)


def _cells(variants: Sequence[str]) -> list[Cell]:
    """All that is told of a day."""
    return [
        (name, target, part, what)
        for name in variants
        for target in TARGETS
        for part in PARTS
        for what in (USERS, *METRICS)
    ]


def _sums(served: ServedDay, day: date) -> dict[Cell, int]:
    """Users, and their metrics, by variant, target and segment; what is not there is 0."""
    if not len(served.truth):
        return {}
    met = meet_day(*served[:3], day_number(day), served.published)
    served.vectors.bring(met)
    return _sums_by_list(met, served.published)


def _sums_by_list(met: Replay, published: Sequence[ReadyLists]) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for lists in published:
        theirs = met.among(np.intersect1d(lists.users, met.user_days.users), [lists.name])
        found |= _sums_of(theirs, lists.name)
    return found


def _sums_of(met: Replay, variant: str) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for target in met.targets:
        measuring = Measuring(met, target, variant)
        for segment in PARTS:
            part = part_of(met, target, segment)
            if not len(part.rows):
                continue
            found[variant, target, segment, USERS] = len(part.rows) * GRID
            values = measuring.values(part, METRICS)
            for metric in METRICS:
                steps = bounded_steps(values[metric, K])
                found[variant, target, segment, metric] = int(steps.sum())
    return found


def _noised(
    session: Session,
    key: NoiseKey,
    release: Release,
    epsilon: float,
    cells: Sequence[Cell],
    sums: Sums,
) -> _Noised:
    """Add noise to every cell, and note what that costs."""
    exact = np.array([sums.get(cell, 0) for cell in cells], np.int64)
    names = [repr(cell) for cell in cells]
    noised, scale = released(session, key, release, epsilon, SENSITIVITY, names, exact)
    return _Noised(dict(zip(cells, (noised / GRID).tolist(), strict=True)), scale / GRID)


def _rows(
    noised: _Noised, day: int, variant: str, target: str, least_users: int
) -> Iterator[Evaluation]:
    """What is shown of a variant."""
    for segment, parts in (("all", PARTS), *((part, (part,)) for part in PARTS)):
        n, *sums = (
            sum(noised.sums[variant, target, part, what] for part in parts)
            for what in (USERS, *METRICS)
        )
        if n < least_users:
            continue
        for metric, total in zip(METRICS, sums, strict=True):
            mean = min(max(total / n, 0.0), 1.0)
            # Of values between 0 and 1 the variance is at most that of hits and misses.
            width = 1.96 * sqrt(mean * (1 - mean) / n)
            width += (1 + mean) * interval(noised.scale, len(parts)) / n
            ends = max(mean - width, 0.0), min(mean + width, 1.0)
            yield Evaluation(day, target, variant, segment, metric, K, mean, *ends, round(n))
