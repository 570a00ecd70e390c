"""Refresh: lists from the day so far, and what they must leave alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sources import noon

from recsys_tasks import nightly
from recsys_tasks.errors import BadSettings, NightRefused
from recsys_tasks.settings import GATES
from recsys_tasks.steps import check, evaluate, rank

from .made_days import FIRST, LAST, NIGHTS, made_events, made_items
from .tenant import Tenant
from .test_convergence import ACCURACY, TABLES, Tables, assert_same, empty, run_nights, tables

ONE_DAY = timedelta(days=1)
BEFORE, DAY = NIGHTS[-2], LAST
SERVED = "select user_id, night, item_id from recommendations order by user_id, rank"
# Means run over users in the order of their keys, which is the one in which they came.
JUDGED = ACCURACY.replace("value", "round(value::numeric, 12)")
# All that a night shows, apart from lists.
SHOWN = (
    "select * from trends order by night, horizon, rank",
    "select * from cold_start_lists order by night",
    "select item_id, vector::text from item_vectors order by item_id",
    "select user_id, half_life, night, vector::text from user_interests order by 1, 2, 3",
    "select * from user_neighbours order by user_key",
    "select night, n_lists from published_nights order by night",
)


def refresh(tenant: Tenant, day: date = DAY) -> None:
    nightly.run_refresh(tenant.settings, day)


@pytest.fixture
def until_yesterday(tenant: Tenant) -> Tenant:
    """All nights until yesterday have run; of today there is nothing yet."""
    tenant.items(*made_items())
    tenant.events(*(row for row in made_events() if day_of(row["occurred_at"]) < DAY))
    run_nights(tenant, [BEFORE])
    return tenant


def day_of(instant: object) -> date:
    assert isinstance(instant, datetime)
    return instant.date()


def served(tenant: Tenant, user: str) -> list[tuple[object, ...]]:
    return [row for row in tenant.rows(SERVED) if row[0] == user]


def test_a_users_first_interaction_of_the_day_moves_the_list(until_yesterday: Tenant) -> None:
    before = until_yesterday.rows(SERVED)
    until_yesterday.events({"user_id": "u1", "item_id": "i7", "day": DAY})
    refresh(until_yesterday)
    after = until_yesterday.rows(SERVED)

    assert {row[1] for row in after if row[0] == "u1"} == {DAY}
    assert [row[2] for row in after if row[0] == "u1"] != [
        row[2] for row in before if row[0] == "u1"
    ]
    assert "i7" not in {row[2] for row in after if row[0] == "u1"}
    assert [row for row in after if row[0] != "u1"] == [row for row in before if row[0] != "u1"]


def test_what_happened_today_is_told_as_today(until_yesterday: Tenant) -> None:
    """A night's lists are read on the day after it, provisional ones on the day itself."""
    told = (
        "select reason from recommendations where user_id = 'fan' and reason like 'because%%'"
        " union select part ->> 'text' from recommendations"
        " cross join jsonb_array_elements(reasons) as part"
        " where user_id = 'fan' and part ->> 'text' like 'because%%' order by 1"
    )
    until_yesterday.items({"item_id": "a", "title": "red lamp"}, {"item_id": "b"})
    until_yesterday.events({"user_id": "fan", "item_id": "a", "event_type": "view", "day": DAY})
    refresh(until_yesterday)
    assert until_yesterday.rows(told) == [("because you viewed red lamp today",)]
    run_nights(until_yesterday, [DAY])
    assert until_yesterday.rows(told) == [("because you viewed red lamp yesterday",)]


def test_a_user_who_never_acted_before_has_a_list_the_same_day(until_yesterday: Tenant) -> None:
    until_yesterday.events({"user_id": "stranger", "item_id": "i7", "day": DAY})
    refresh(until_yesterday)

    strategies = until_yesterday.rows("select distinct strategy from recommend('stranger', 9)")
    assert strategies == [("personal",)]


def test_what_last_night_shows_beside_lists_stays(until_yesterday: Tenant) -> None:
    before = tables(until_yesterday, *SHOWN)
    until_yesterday.events(*(row for row in made_events() if day_of(row["occurred_at"]) == DAY))
    refresh(until_yesterday)

    assert all(before)
    assert_same(tables(until_yesterday, *SHOWN), before)


def test_a_day_that_goes_on_is_not_judged(filled: Tenant) -> None:
    run_nights(filled, [BEFORE])
    refresh(filled)
    filled.rows("update interaction_days set is_over = false where day = %(day)s", day=DAY)
    filled.run(evaluate, BEFORE)
    assert filled.rows("select * from evaluations") == []
    filled.rows("update interaction_days set is_over = true")
    filled.run(evaluate, BEFORE)
    assert filled.rows("select distinct night from evaluations") == [(DAY,)]


def test_the_last_refresh_of_a_day_has_the_lists_of_its_night(filled: Tenant) -> None:
    """Of the users who are active on it, score by score."""
    entries = (
        "select user_id, rank, item_id, score from recommendations"
        f" where night = '{DAY}' order by user_id, rank"
    )
    run_nights(filled, [BEFORE])
    refresh(filled)
    provisional = filled.rows(entries)
    run_nights(filled, [DAY])
    theirs = {row[0] for row in provisional}

    assert theirs
    assert [row for row in filled.rows(entries) if row[0] in theirs] == provisional


@pytest.mark.parametrize("n_refreshes", [1, 3])
def test_refreshes_leave_the_nights_what_they_would_be_alone(
    tenant: Tenant, n_refreshes: int
) -> None:
    """To the bit, with events that arrive while days go on, and after; means to 12 digits."""
    tenant.items(*made_items())
    rows = made_events()
    tenant.events(*rows)
    run_nights(tenant, NIGHTS, nightly.STEPS)
    expected = tables(tenant, *TABLES, JUDGED)
    empty(tenant.warehouse)
    tenant.rows("delete from app.events")

    for day in NIGHTS:
        todays = [row for row in rows if day_of(row["occurred_at"]) == day]
        for n in range(n_refreshes):
            tenant.events(*todays[n :: n_refreshes + 1])
            refresh(tenant, day)
        tenant.events(*todays)
        run_nights(tenant, [day], nightly.STEPS)

    assert all(expected)
    assert_same(tables(tenant, *TABLES, JUDGED), expected)


def test_a_night_replaces_the_provisional_lists_of_its_day_and_of_days_before(
    until_yesterday: Tenant,
) -> None:
    until_yesterday.events({"user_id": "u1", "item_id": "i7", "day": DAY})
    for day in (DAY, DAY + ONE_DAY):
        until_yesterday.events({"user_id": "u2", "item_id": "i8", "day": day})
        refresh(until_yesterday, day)
    partitions = (
        "select count(*) from pg_inherits where inhparent = 'recommendation_lists'::regclass"
    )
    kept = "select night from provisional_nights order by night"
    assert until_yesterday.rows(kept) == [(DAY,), (DAY + ONE_DAY,)]
    assert until_yesterday.rows(partitions) == [(3,)]

    run_nights(until_yesterday, [DAY])
    assert until_yesterday.rows(kept) == [(DAY + ONE_DAY,)]
    assert {row[1] for row in served(until_yesterday, "u1")} == {DAY}
    assert {row[1] for row in served(until_yesterday, "u2")} == {DAY + ONE_DAY}

    run_nights(until_yesterday, [DAY + 2 * ONE_DAY])
    assert until_yesterday.rows(kept) == []
    assert until_yesterday.rows(partitions) == [(3,)]
    assert until_yesterday.rows("select count(*) from draft_variants") == [(0,)]


def test_evaluations_judge_last_nights_lists_not_provisional_ones(tenant: Tenant) -> None:
    """Else a list that has seen the morning would be held against the same morning."""
    tenant.items(*made_items())
    rows = [*made_events(), {"user_id": "u1", "item_id": "i7", "day": DAY}]
    tenant.events(*rows)
    run_nights(tenant, [BEFORE, DAY], nightly.STEPS)
    expected: Tables = tables(tenant, JUDGED)
    empty(tenant.warehouse)

    run_nights(tenant, [BEFORE], nightly.STEPS)
    refresh(tenant)
    tenant.run(evaluate, DAY)
    assert_same(tables(tenant, JUDGED), expected)


def test_a_published_day_is_not_refreshed(filled: Tenant) -> None:
    run_nights(filled, [DAY])
    before = filled.rows(SERVED)
    with pytest.raises(BadSettings, match=f"night {DAY} is published or being made"):
        refresh(filled, BEFORE)
    assert filled.rows(SERVED) == before


def test_a_night_that_is_being_made_is_not_disturbed(filled: Tenant) -> None:
    run_nights(filled, [DAY], nightly.STEPS[:5])
    with pytest.raises(BadSettings, match="being made"):
        refresh(filled)
    run_nights(filled, [DAY], nightly.STEPS[5:7])
    assert filled.rows("select night from published_nights") == [(DAY,)]


def _checks_that_find(what: str) -> dict[str, str]:
    """Every gate's query; one of those that hold finds something."""
    nothing: dict[str, str] = dict.fromkeys(GATES, "select ''::text as finding where false")
    return nothing | {"short_lists": f"select '{what}'::text as finding"}


def test_a_refresh_that_failed_stands_until_the_night_of_its_day(
    filled: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = "select day, state from nights where step = 'refresh' order by day"
    monkeypatch.setattr(check, "checks", lambda: _checks_that_find("none"))
    for day in (BEFORE, DAY):
        with pytest.raises(NightRefused):
            refresh(filled, day)
    monkeypatch.undo()
    run_nights(filled, [BEFORE])
    assert filled.rows(states) == [(DAY, "failed")]
    refresh(filled)
    run_nights(filled, [DAY])
    assert filled.rows(states) == [(DAY, "done")]


def test_lists_that_a_gate_finds_wrong_are_not_shown(
    until_yesterday: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = until_yesterday.rows(SERVED)
    until_yesterday.events({"user_id": "u1", "item_id": "i7", "day": DAY})
    monkeypatch.setattr(check, "checks", lambda: _checks_that_find("it makes none"))
    with pytest.raises(NightRefused, match="it makes none"):
        refresh(until_yesterday)

    assert until_yesterday.rows(SERVED) == before
    assert until_yesterday.rows("select count(*) from interactions where day = '2024-03-08'") == [
        (0,)
    ]
    assert until_yesterday.rows("select state from nights where step = 'refresh'") == [("failed",)]


def test_before_the_first_night_the_active_have_lists_already(filled: Tenant) -> None:
    refresh(filled)
    assert filled.rows("select distinct night from recommendations") == [(DAY,)]
    assert len(filled.rows("select * from recommend('anybody', 5)")) == 5
    run_nights(filled, [DAY])
    assert filled.rows("select night from published_nights") == [(DAY,)]


def test_a_day_without_events_has_no_lists(until_yesterday: Tenant) -> None:
    before = until_yesterday.rows(SERVED)
    refresh(until_yesterday)
    assert until_yesterday.rows(SERVED) == before


def test_a_day_that_was_taken_while_it_went_on_is_taken_again(tenant: Tenant) -> None:
    """However long its own night is left out."""
    today = datetime.now(UTC).date()
    tenant.items(*made_items())
    tenant.events({"event_id": "morning", "occurred_at": datetime.now(UTC) - timedelta(seconds=1)})
    refresh(tenant, day_of(datetime.now(UTC)))
    tenant.events({"event_id": "evening", "occurred_at": noon(today)})
    tenant.extract(today + 9 * ONE_DAY, late_days=0)

    assert tenant.taken() == ["evening", "morning"]


def test_late_events_of_earlier_days_wait_for_the_night(until_yesterday: Tenant) -> None:
    """What was shown of their users stands until it can be shown anew."""
    interests = "select * from user_interests order by user_id, night, half_life"
    before = until_yesterday.rows(interests)
    until_yesterday.events({"event_id": "late", "user_id": "u1", "item_id": "i3", "day": BEFORE})
    refresh(until_yesterday)

    assert until_yesterday.rows(interests) == before
    assert "late" not in until_yesterday.taken()
    run_nights(until_yesterday, [DAY])
    assert "late" in until_yesterday.taken()


def test_draft_touches_nothing_that_is_shown(until_yesterday: Tenant) -> None:
    before = tables(until_yesterday, *SHOWN, SERVED)
    with until_yesterday.warehouse.transaction(exclusive=True) as session:
        assert rank.draft_day(session, until_yesterday.settings, BEFORE, "") > 0
    assert_same(tables(until_yesterday, *SHOWN, SERVED), before)


def test_days_before_the_first_are_no_obstacle(filled: Tenant) -> None:
    refresh(filled, FIRST)
    assert {row[1] for row in filled.rows(SERVED)} == {FIRST}


def test_a_refresh_tells_how_long_events_took_to_reach_a_list(until_yesterday: Tenant) -> None:
    """Of those that are new since the last refresh: an event is counted once."""
    now = datetime.now(UTC)
    today = now.date()
    hours = timedelta(hours=1)
    early = [{"user_id": f"u{n}", "occurred_at": now - n * hours} for n in range(1, 4)]
    run_nights(until_yesterday, [DAY])
    until_yesterday.events(*(row for row in early if day_of(row["occurred_at"]) == today))
    n_early = sum(day_of(row["occurred_at"]) == today for row in early)
    first = nightly.run_refresh(until_yesterday.settings, today)
    until_yesterday.events({"user_id": "late", "occurred_at": now})
    second = nightly.run_refresh(until_yesterday.settings, today)
    third = nightly.run_refresh(until_yesterday.settings, today)

    assert first["new"] == n_early
    if n_early:
        assert first["seconds_of_longest_delay"] >= n_early * 3600
    assert second["new"] == 1
    assert second["seconds_of_median_delay"] == second["seconds_of_longest_delay"] < 600
    assert third["new"] == 0
    assert "seconds_of_median_delay" not in third
