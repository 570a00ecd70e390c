"""Deltas: equal bits in parts of any size, and no row written that says what it said."""

import pytest

from recsys_tasks.steps import accumulate, merge
from recsys_tasks.warehouse import weighing

from .made_days import LAST
from .tenant import Tenant

DELTAS = """
select user_key, day, half_life, mass, total::text
from daily_interests
order by user_key, day, half_life
"""
PLACES = """
select daily_interests.ctid::text, daily_interests.xmin::text
from daily_interests
inner join users using (user_key)
where (user_id = %(user_id)s) = %(are_theirs)s
order by user_key, day, half_life
"""
TRENDS = "select item_key, day, mass from daily_trends order by item_key, day"
TOTALS = """
select user_key, half_life, as_of, mass, alpha, total::text
from interest_totals
order by user_key, half_life
"""


def state(tenant: Tenant) -> list[list[tuple[object, ...]]]:
    """Deltas, trends and totals of all days so far, made anew."""
    with tenant.warehouse.transaction() as session:
        session.select("truncate daily_interests, interest_totals, accumulated_days, daily_trends")
        session.select("update interaction_days set trends_fingerprint = null")
    tenant.run(accumulate, LAST)
    tenant.run(merge, LAST)
    return [tenant.rows(statement) for statement in (DELTAS, TRENDS, TOTALS)]


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_parts_of_any_size_end_in_the_same_bits(
    filled: Tenant, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    filled.draft(LAST)
    whole = state(filled)
    assert all(whole)
    monkeypatch.setattr(weighing, "AT_ONCE", at_once)
    for name in ("CHUNK", "PART"):
        monkeypatch.setattr(accumulate, name, at_once)
    monkeypatch.setattr(merge, "CHUNK", at_once)

    assert state(filled) == whole


def test_a_late_event_writes_its_users_deltas_alone(filled: Tenant) -> None:
    filled.draft(LAST)
    (user_id,) = filled.rows("select user_id from app.events order by user_id limit 1")[0]
    others = filled.rows(PLACES, user_id=user_id, are_theirs=False)
    theirs = filled.rows(PLACES, user_id=user_id, are_theirs=True)
    filled.events({"user_id": user_id, "item_id": "i0", "day": LAST})

    filled.draft(LAST)

    assert filled.rows(PLACES, user_id=user_id, are_theirs=False) == others
    assert filled.rows(PLACES, user_id=user_id, are_theirs=True) != theirs


def test_a_user_whose_day_is_gone_has_no_delta_of_it(filled: Tenant) -> None:
    """Nor anybody, when the day has nobody left."""
    filled.draft(LAST)
    filled.rows("delete from app.events where occurred_at::date = %(day)s", day=LAST)

    filled.draft(LAST)

    assert not filled.rows("select from daily_interests where day = %(day)s", day=LAST)
    assert not filled.rows("select from interest_totals where as_of = %(day)s", day=LAST)
    kept = filled.rows(DELTAS)
    assert kept
    assert state(filled)[0] == kept


def test_who_writes_the_same_events_again_changes_nothing(filled: Tenant) -> None:
    """When they were ingested is no news."""
    filled.extract(LAST)
    filled.rows("update app.events set ingested_at = now() + interval '1 hour'")

    assert filled.extract(LAST)["days"] == 0
    filled.rows("update app.events set value = 7 where occurred_at::date = %(day)s", day=LAST)
    assert filled.extract(LAST)["days"] == 1
