"""The night as a whole: the ledger, the lock, and what stands when a step fails."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from encoders import WORDS
from sources import NIGHT

from recsys_tasks import nightly
from recsys_tasks.errors import BadSettings, DatabaseUnavailable, EmptyCatalogue, NightBusy
from recsys_tasks.settings import read_settings
from recsys_tasks.steps import publish
from recsys_tasks.warehouse import Session, Warehouse

from .tenant import Tenant

LEDGER = "select step, state, error from nights order by started_at, step"
NEXT = NIGHT + timedelta(days=1)


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    # Titles of their own, whatever ran before: counted-on ones would give other lists each time.
    tenant.items(*({"item_id": f"i{n}", "title": WORDS[n]} for n in range(1, 9)))
    tenant.events(*({"user_id": f"u{n}", "item_id": f"i{n}"} for n in range(1, 4)))
    tenant.events({"user_id": "u1", "item_id": "i5", "day": NEXT})
    return tenant


def test_the_ledger_has_a_line_a_step_with_what_it_did(filled: Tenant) -> None:
    nightly.run_night(filled.settings, NIGHT)
    assert filled.rows(LEDGER) == [(step, "done", None) for step in nightly.STEPS]
    counts = filled.rows("select step, counts from nights")
    assert ("extract", {"days": 1, "interactions": 3, "rejected": 0}) in counts
    assert ("rank", {"nights": 1, "lists": 3}) in counts


def test_a_failed_step_says_so_and_leaves_the_last_good_tables(
    filled: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly.run_night(filled.settings, NIGHT)
    served = filled.rows("select * from recommendations order by user_id, rank")

    def fail_half_way(session: Session, night: object) -> None:
        session.value("publish_draft", night=night)
        message = "the lights went out\nand more"
        raise RuntimeError(message)

    monkeypatch.setattr(publish, "_publish", fail_half_way)
    with pytest.raises(RuntimeError):
        nightly.run_night(filled.settings, NEXT)
    assert filled.rows("select * from recommendations order by user_id, rank") == served
    assert ("publish", "failed", "the lights went out") in filled.rows(LEDGER)
    monkeypatch.undo()
    nightly.run_night(filled.settings, NEXT)
    assert filled.rows("select distinct night from recommendations") == [(NEXT,)]
    assert filled.rows("select distinct state from nights") == [("done",)]


def test_a_night_without_items_says_what_is_missing(tenant: Tenant) -> None:
    tenant.events({})
    with pytest.raises(EmptyCatalogue, match="No item exists on 2024-03-01"):
        nightly.run_night(tenant.settings, NIGHT)


def test_a_night_without_events_gives_everybody_the_cold_start_list(tenant: Tenant) -> None:
    tenant.items(*({"item_id": f"i{n}"} for n in range(3)))
    nightly.run_night(tenant.settings, NIGHT)
    assert len(tenant.rows("select * from recommend('anybody', 5)")) == 3


def test_a_second_run_waits_for_the_first_and_gives_up_with_a_reason(filled: Tenant) -> None:
    impatient = Warehouse(filled.warehouse.dsn, filled.warehouse.schema, lock_timeout=1)
    with filled.warehouse.transaction(exclusive=True):
        with pytest.raises(NightBusy, match="waited 1 s"), impatient.transaction(exclusive=True):
            pass
        other = Warehouse(filled.warehouse.dsn, "another_tenant", lock_timeout=1)
        other.migrate()  # another tenant's run does not wait
        other.close()
    impatient.close()


def test_readers_see_the_old_lists_until_the_new_ones_are_committed(filled: Tenant) -> None:
    nightly.run_night(filled.settings, NIGHT)
    served = filled.rows("select * from recommendations order by user_id, rank")
    for step in nightly.STEPS[:6]:
        nightly.run_step(step, NEXT, filled.settings)
    assert filled.rows("select * from recommendations order by user_id, rank") == served
    reader = Warehouse(filled.warehouse.dsn, filled.warehouse.schema)
    with filled.warehouse.transaction() as writing:
        publish.run(writing, filled.settings, NEXT)
        with reader.transaction() as reading:
            assert reading.select("select * from recommendations order by user_id, rank") == served
    with reader.transaction() as reading:
        assert reading.select("select distinct night from recommendations") == [(NEXT,)]
    reader.close()


def test_lists_leave_out_what_the_user_had(filled: Tenant) -> None:
    nightly.run_night(filled.settings, NIGHT)
    assert (
        filled.rows(
            "select user_id, item_id from recommendations where (user_id, item_id) in"
            " (('u1', 'i1'), ('u2', 'i2'), ('u3', 'i3'))"
        )
        == []
    )
    assert filled.rows("select count(*) from recommendations") == [(3 * 7,)]


def test_an_item_comes_back_when_the_repeat_policy_says_so(filled: Tenant) -> None:
    """The shop's `after 30 days`: left out on the 30th day after, listed on the next."""
    for days, listed in ((29, 0), (30, 1)):
        nightly.run_night(filled.settings, NIGHT + timedelta(days=days))
        found = filled.rows(
            "select count(*) from recommendations where user_id = 'u2' and item_id = 'i2'"
        )
        assert found == [(listed,)]


def test_an_item_that_is_only_viewed_may_be_listed_in_a_shop(filled: Tenant) -> None:
    filled.events({"user_id": "u4", "item_id": "i8", "event_type": "view"})
    nightly.run_night(filled.settings, NIGHT)
    assert filled.rows(
        "select count(*) from recommendations where user_id = 'u4' and item_id = 'i8'"
    ) == [(1,)]


def test_a_user_who_had_everything_is_not_left_with_nothing(filled: Tenant) -> None:
    filled.events(*({"user_id": "u9", "item_id": f"i{n}"} for n in range(1, 9)))
    nightly.run_night(filled.settings, NIGHT)
    assert len(filled.rows("select * from recommend('u9', 5)")) == 5


def test_recommend_fills_a_list_that_is_shorter_than_asked(filled: Tenant) -> None:
    """With what became popular since the list was made, but not with what the user had."""
    changes = {"list_length": 2, "refresh_days": 1, "enough_users": 0.0}
    short = Tenant(filled.warehouse, filled.settings.model_copy(update=changes))
    nightly.run_night(short.settings, NIGHT)
    short.events(
        *({"user_id": f"crowd{n}", "item_id": f"i{7 + n % 2}", "day": NEXT} for n in range(9)),
        {"user_id": "u1", "item_id": "i8", "day": NEXT},
    )
    nightly.run_night(short.settings, NEXT)
    asked = "select rank, strategy, item_id from recommend(%(user_id)s, 9) order by rank"

    idle = short.rows(asked, user_id="u3")
    assert [rank for rank, *_ in idle] == [1, 2, 3, 4]
    assert [strategy for _, strategy, _ in idle] == ["personal"] * 2 + ["cold_start"] * 2
    assert {item for *_, item in idle[2:]} == {"i7", "i8"}
    assert "i8" not in {item for *_, item in short.rows(asked, user_id="u1")}


def test_only_users_active_of_late_are_refreshed_where_that_is_set(filled: Tenant) -> None:
    nightly.run_night(filled.settings, NIGHT)
    later = filled.settings.model_copy(update={"refresh_days": 1, "enough_users": 0.0})
    nightly.run_night(later, NEXT)
    nights = filled.rows("select distinct user_id, night from recommendations order by 1")
    assert nights == [("u1", NEXT), ("u2", NIGHT), ("u3", NIGHT)]


def test_live_queries_give_the_personal_part_of_the_score(filled: Tenant) -> None:
    """Items that nobody touched trend alike: their scores differ by `<#>` alone."""
    nightly.run_night(filled.settings, NIGHT)
    rows = filled.rows(
        "select score, -(vector <#> (select sum(vector) from user_interests where user_id = 'u1'))"
        " from recommendations inner join item_vectors using (item_id)"
        " where user_id = 'u1' and item_id in ('i4', 'i5', 'i6', 'i7', 'i8')"
    )
    gaps = [float(str(score)) - float(str(live)) for score, live in rows]
    assert len(gaps) == 5
    assert gaps == pytest.approx([gaps[0]] * 5, abs=0.02)


def test_the_live_query_uses_the_index(filled: Tenant) -> None:
    nightly.run_night(filled.settings, NIGHT)
    with filled.warehouse.transaction() as session:
        session.select("set local enable_seqscan = off")
        plan = session.select(
            "explain select item_id from item_vectors"
            " order by vector <#> (select sum(vector) from user_interests where user_id = 'u1')"
            " limit 5"
        )
    assert any("item_vectors_vector_idx" in line for (line,) in plan)


def test_reasons_say_what_the_score_rests_on_and_when_it_was(filled: Tenant) -> None:
    """In the words of who reads the list: on the day after the night."""
    filled.items({"item_id": "twin", "title": "red lamp"}, {"item_id": "had", "title": "red lamp"})
    filled.events({"user_id": "u7", "item_id": "had", "event_type": "view"})
    for night, when in ((NIGHT, "yesterday"), (NIGHT + timedelta(days=2), "3 days ago")):
        nightly.run_night(filled.settings, night)
        reasons = filled.rows(
            "select distinct reason from recommendations"
            " where user_id = 'u7' and reason like 'because%'"
        )
        assert reasons == [(f"because you viewed red lamp {when}",)]


def test_an_unknown_step_names_the_known_ones(tenant: Tenant) -> None:
    with pytest.raises(BadSettings, match="the steps are extract, embed_items"):
        nightly.run_step("guess", NIGHT, tenant.settings)


def test_a_database_that_is_not_there_is_said_in_one_line() -> None:
    settings = read_settings(dsn="postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable, match="ebbtide doctor") as caught:
        nightly.run_step("extract", NIGHT, settings)
    assert "\n" not in str(caught.value)


def test_steps_begin_in_order(filled: Tenant) -> None:
    begun: list[str] = []
    tell: Callable[[str], None] = begun.append
    nightly.run_night(filled.settings, NIGHT, tell)
    assert tuple(begun) == nightly.STEPS
