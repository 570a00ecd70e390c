"""Last night's lists against the day: the protocol's metrics, beside popularity, with intervals.

What is judged is what users were served on the day: the list of the latest night before it that
made one for them, else the cold-start list. A user counts for the variant that the night assigned,
also where an earlier night's list was served, or none: so chance alone tells variants' users apart.
The row's night is the day whose behaviour the lists met.

Figures are those of the replay of the whole history. Read are the day, what its users did before,
and the daily counts of items: what everybody else did costs nothing.

While there are two variants to compare, every user-day is kept, and the sums that `experiments`
shows are made anew.

With RECSYS_PRIVACY figures are fewer and have noise, a night is judged once, and no user-day is
kept: `noised_evaluations`.
"""

import json
from collections.abc import Iterator
from datetime import date
from math import isnan

from recsys_tasks.evaluation import Evaluation, meet_day, summarise, summarise_served
from recsys_tasks.evaluation.experiments import UserFigures, figures_of_users
from recsys_tasks.evaluation.records import records
from recsys_tasks.interactions import day_number
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.steps.noised_evaluations import release_evaluations
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import serving_model
from recsys_tasks.warehouse.served import ServedDay, read_day


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Judge the lists that were served on `day`, and those of `day` if the next day is known."""
    if settings.privacy is not None:
        return {"rows": release_evaluations(session, settings, settings.privacy, day)}
    days = [row[0] for row in session.rows("evaluable_days", day=day)]
    n_rows = [_evaluate(session, settings, night) for night in days]
    session.execute("delete_old_user_days")
    session.execute("pool_experiments")
    return {"nights": sum(map(bool, n_rows)), "rows": sum(n_rows)}


def _evaluate(session: Session, settings: Settings, day: date) -> int:
    """Judge the lists that were served on a day.

    Returns:
        The number of rows; 0 where no night was published before, or nobody took to anything.
    """
    night = session.value("served_night", day=day)
    session.execute("withdraw_releases", mechanism="evaluations", days=[day])
    session.execute("delete_evaluations", night=day)
    session.execute("delete_user_days", night=day)
    if night is None:
        return 0
    served = read_day(session, preset_of(settings), serving_model(session), day, night)
    if not len(served.truth):
        return 0
    evaluations = [
        *_judge_published(session, served, day, keep=session.value("is_experiment", night=night)),
        *_judge_baselines(served, day),
    ]
    session.execute("insert_evaluations", evaluations=json.dumps(records(evaluations)))
    return len(evaluations)


def _judge_published(
    session: Session, served: ServedDay, day: date, *, keep: bool
) -> list[Evaluation]:
    """Every metric of every variant over its users; every user-day is kept if asked for."""
    truth, before, catalogue, lists = served[:4]
    met = meet_day(truth, before, catalogue, day_number(day), lists)
    served.vectors.bring(met)
    for figures in figures_of_users(met, lists) if keep else ():
        session.copy_rows("copy_user_days", _rows(session, served, day, figures))
    return summarise_served(met, lists)


def _judge_baselines(served: ServedDay, day: date) -> Iterator[Evaluation]:
    """Every metric of every baseline over all users, one by one: lists of all would fill memory."""
    for name, scores in served.baselines.items():
        met = meet_day(*served[:3], day_number(day), baselines={name: scores})
        served.vectors.bring(met)
        yield from summarise(met)


def _rows(
    session: Session, served: ServedDay, day: date, figures: UserFigures
) -> Iterator[tuple[object, ...]]:
    """Rows of experiment_user_days."""
    variant_key = session.value("variant_key", variant=figures.variant)
    for user, values in zip(figures.users.tolist(), figures.values.tolist(), strict=True):
        known = (None if isnan(value) else value for value in values)
        key = int(served.user_keys[user])
        yield (day, key, variant_key, figures.target, figures.segment, *known)
