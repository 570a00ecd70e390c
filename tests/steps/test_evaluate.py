"""The step evaluate reads a day and its users, and finds what the whole history would say."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from served_days import Plain, ScoredLists

from recsys_tasks import nightly
from recsys_tasks.evaluation import ReadyLists, Scorer, replay, summarise
from recsys_tasks.evaluation.baselines import popularity_baselines
from recsys_tasks.evaluation.records import Record, records
from recsys_tasks.evaluation.served import summarise_served
from recsys_tasks.interactions import NO_ROW, day_number, rows_of
from recsys_tasks.settings import Variant, preset_of
from recsys_tasks.steps import evaluate
from recsys_tasks.warehouse import served as room
from recsys_tasks.warehouse.history import read_history
from recsys_tasks.warehouse.models import serving_model

from .made_days import IDLE, NIGHTS
from .tenant import Tenant

DAYS = [night for night in NIGHTS[:-1] if night != NIGHTS[IDLE]]
SERVED = """
select user_key, variant_of(users.user_id, %(night)s) as variant, coalesce(
    (
        select item_keys from recommendation_lists
        where recommendation_lists.user_key = users.user_key and night <= %(night)s
        order by night desc limit 1
    ),
    (select item_keys from cold_start_lists where night = %(night)s)
) as item_keys
from users
where exists (
    select from interactions where interactions.user_key = users.user_key and day = %(day)s
)
order by user_key
"""
FOUND = """
select target, variant, segment, metric, k, value, ci_low, ci_high, n
from evaluations where night = %(day)s
"""


def nights_of(tenant: Tenant, **changes: object) -> Tenant:
    """The same tenant, after nights with some settings changed."""
    changed = Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))
    for night in DAYS:
        nightly.run_night(changed.settings, night)
    return changed


def by_grain(rows: list[Record]) -> dict[tuple[object, ...], tuple[object, ...]]:
    found: dict[tuple[object, ...], tuple[object, ...]] = {
        (row["target"], row["variant"], row["segment"], row["metric"], row["k"]): (
            *(row[name] for name in ("value", "ci_low", "ci_high", "n")),
        )
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def evaluated(tenant: Tenant, day: date) -> dict[tuple[object, ...], tuple[object, ...]]:
    """What the step leaves of a day."""
    tenant.run(evaluate, day)
    return {(*row[:5],): row[5:] for row in tenant.rows(FOUND, day=day)}


def replayed(tenant: Tenant, day: date) -> dict[tuple[object, ...], tuple[object, ...]]:
    """What a replay of the whole history says of the same lists, every user ranked alone."""
    with tenant.warehouse.transaction() as session:
        preset, model = preset_of(tenant.settings), serving_model(session)
        history = read_history(session, preset, model, day + timedelta(days=1))
        (night,) = session.rows("served_night", day=day)[0]
        shown = session.select(SERVED, {"day": day, "night": night})
    published = []
    for name in sorted({str(variant) for _, variant, _ in shown}):
        lists = [(key, keys) for key, variant, keys in shown if variant == name]
        users, _ = rows_of(history.user_keys, np.array([key for key, _ in lists], np.int32))
        ranked = np.full((len(lists), max(len(keys) for _, keys in lists)), NO_ROW, np.int32)
        for row, (_, keys) in enumerate(lists):
            rows, known = rows_of(history.item_keys, np.array(keys, np.int32))
            ranked[row, : len(keys)] = np.where(known, rows, NO_ROW)
        published.append(ReadyLists(name, users.astype(np.int32), ranked))
    plain = [Plain(scorer) for scorer in popularity_baselines()]
    scorers: list[Scorer] = [
        *(ScoredLists(lists, len(history.catalogue)) for lists in published),
        *plain,
    ]
    number, n_users = day_number(day), len(history.user_keys)
    met = replay(history.interactions, history.catalogue, n_users, scorers, number, number + 1)
    rows_found = summarise_served(met, published)
    for scorer in plain:
        rows_found += summarise(met.among(met.user_days.users, [scorer.name]))
    return by_grain(records(rows_found))


@pytest.mark.parametrize(
    "changes", [{}, {"variants": {"bold": Variant(share=0.5, diversity=0.8)}, "refresh_days": 1}]
)
def test_figures_are_those_of_a_replay_of_everything(
    filled: Tenant, changes: dict[str, object]
) -> None:
    """To the bit: with dislikes, searches, items of unknown age, variants and older lists."""
    tenant = nights_of(filled, **changes)

    for day in DAYS[1:]:
        found = evaluated(tenant, day)
        assert found == replayed(tenant, day)
        assert {segment for _, _, segment, _, _ in found} >= {"all", "new_items"}
    assert {variant for _, variant, *_ in evaluated(tenant, DAYS[-1])} >= {"content", "popular"}


def test_a_late_event_changes_what_was_touched_and_counted(filled: Tenant) -> None:
    tenant = nights_of(filled)
    day = NIGHTS[5]
    before = evaluated(tenant, day)
    late = datetime.combine(NIGHTS[3], datetime.min.time()).astimezone()
    tenant.events(
        *({"event_id": f"late{n}", "user_id": f"u{n}", "item_id": "i3", "occurred_at": late}
          for n in range(6))
    )  # fmt: skip
    nightly.run_night(tenant.settings, NIGHTS[6])

    after = evaluated(tenant, day)

    assert after != before
    assert after == replayed(tenant, day)


def test_users_are_read_in_any_number_at_once(
    filled: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = nights_of(filled)
    whole = evaluated(tenant, NIGHTS[5])
    monkeypatch.setattr(room, "USERS_AT_ONCE", 2)

    assert evaluated(tenant, NIGHTS[5]) == whole
