"""Last night's lists against the day: the protocol's metrics, beside popularity, with intervals.

What is judged is what users were served on the day: the list of the latest night before it that
made one for them, else the cold-start list. A user counts for the variant that the night assigned,
also where an earlier night's list was served, or none: so chance alone tells variants' users apart.
The row's night is the day whose behaviour the lists met.

While there are two variants to compare, every user-day is kept, and the sums that `experiments`
shows are made anew.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from math import isnan

import numpy as np

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation import ReadyLists, meet_night, summarise_met
from recsys_tasks.evaluation.baselines import popularity_baselines
from recsys_tasks.evaluation.experiments import UserFigures, figures_of_users
from recsys_tasks.evaluation.records import records
from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.history import History, read_history
from recsys_tasks.warehouse.models import serving_model


def run(session: Session, settings: Settings, day: date) -> Counts:
    """Judge the lists that were served on `day`, and those of `day` if the next day is known."""
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
    session.execute("delete_evaluations", night=day)
    session.execute("delete_user_days", night=day)
    if night is None:
        return 0
    preset, model = preset_of(settings), serving_model(session)
    history = read_history(session, preset, model, day + timedelta(days=1))
    served = _served(session, history, day, night)
    try:
        met = meet_night(
            history.interactions,
            history.catalogue,
            len(history.user_keys),
            day_number(day),
            served,
            popularity_baselines(),
        )
    except NothingToEvaluate:
        return 0
    evaluations = summarise_met(met, served)
    session.execute("insert_evaluations", evaluations=json.dumps(records(evaluations)))
    if session.value("is_experiment", night=night):
        for figures in figures_of_users(met, served):
            session.copy_rows("copy_user_days", _rows(session, history, day, figures))
    return len(evaluations)


def _rows(
    session: Session, history: History, day: date, figures: UserFigures
) -> Iterator[tuple[object, ...]]:
    """Rows of experiment_user_days."""
    variant_key = session.value("variant_key", variant=figures.variant)
    for user, values in zip(figures.users.tolist(), figures.values.tolist(), strict=True):
        known = (None if isnan(value) else value for value in values)
        key = int(history.user_keys[user])
        yield (day, key, variant_key, figures.target, figures.segment, *known)


def _served(session: Session, history: History, day: date, night: date) -> list[ReadyLists]:
    """The lists that users of the day were served, by variant."""
    keys, lists, variants = session.columns("served_lists", day=day, night=night)
    users, _ = rows_of(history.user_keys, np.array(keys, np.int32))
    lengths = np.array([len(items) for items in lists], np.int32)
    is_there = np.arange(lengths.max(initial=0)) < lengths[:, None]
    ranked = np.full(is_there.shape, NO_ROW, np.int32)
    rows, found = rows_of(history.item_keys, np.array([*chain.from_iterable(lists)], np.int32))
    ranked[is_there] = np.where(found, rows, NO_ROW)
    names = np.array(variants)
    return [
        ReadyLists(
            name,
            users[names == name].astype(np.int32),
            ranked[names == name],
            len(history.catalogue),
        )
        for name in sorted(set(variants))
    ]
