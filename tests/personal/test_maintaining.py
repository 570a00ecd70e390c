"""Maintenance: what is not kept goes, what is needed stays, and totals are what they should be."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from threading import Thread

import numpy as np
import pytest
import structlog
from steps.made_days import NIGHTS
from steps.tenant import Tenant
from steps.test_convergence import LISTS, PUBLISHED, TOTALS, TRENDS, empty, run_nights, tables
from steps.test_topics import assert_counted

from recsys_tasks.errors import NightBusy
from recsys_tasks.maintaining import maintain
from recsys_tasks.maintaining.keeping import drop_old_lists, drop_old_rows
from recsys_tasks.steps import Counts

from .place import TABLES

CONTENTS = (
    "select md5(coalesce(string_agg(held::text, ' ' order by held::text), '')) from {} as held"
)
LISTED = "select night, count(*) from recommendation_lists group by night order by night"


@pytest.fixture
def warnings() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as logs:
        yield logs  # type: ignore[misc]  # structlog's own mapping


def with_settings(tenant: Tenant, **changes: object) -> Tenant:
    return Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))


def contents(tenant: Tenant) -> dict[str, object]:
    """A checksum of each table."""
    return {
        str(table): tenant.rows(CONTENTS.format(table))[0][0] for (table,) in tenant.rows(TABLES)
    }


def drop_rows(tenant: Tenant, now: datetime) -> Counts:
    with tenant.warehouse.transaction(exclusive=True) as session:
        return drop_old_rows(session, tenant.settings, now)


def drop_lists(tenant: Tenant, now: datetime | None = None) -> Counts:
    with tenant.warehouse.transaction(exclusive=True) as session:
        return drop_old_lists(session, tenant.settings, now or datetime.now(UTC))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def test_where_all_is_well_maintenance_changes_no_row(filled: Tenant) -> None:
    run_nights(filled, NIGHTS[:4])
    before = contents(filled)

    counts = maintain(filled.settings)

    assert contents(filled) == before
    assert counts["totals_checked"] == 12
    assert counts["tables_vacuumed"] > 20
    assert {n for name, n in counts.items() if not name.startswith(("totals_c", "tables"))} == {0}


def test_an_empty_schema_can_be_maintained(tenant: Tenant) -> None:
    assert maintain(tenant.settings)["totals_checked"] == 0


def test_what_is_left_is_a_history_that_begins_with_the_first_day_that_is_kept(
    filled: Tenant,
) -> None:
    """To the bit: totals, and the next night's lists and trends, whose night takes nothing back."""
    filled.rows("delete from app.events where event_type = 'rating'")  # its scale stays
    first = NIGHTS[3]
    kept = with_settings(filled, keep_events=(datetime.now(UTC).date() - first).days)
    run_nights(filled, NIGHTS[:-1])
    counts = drop_rows(kept, datetime.now(UTC))
    run_nights(kept, NIGHTS[-1:])
    left = tables(kept, TOTALS, LISTS, TRENDS)
    assert_counted(kept)

    assert counts["interactions_expired"] > 0
    assert kept.rows("select min(day) from interactions") == [(first,)]
    days = ("daily_interests", "daily_trends", "interaction_days", "accumulated_days")
    for table in (*days, "topic_days", "topic_user_days"):
        assert kept.rows(f"select min(day) from {table}") == [(first,)]
    empty(filled.warehouse)
    filled.rows(f"delete from app.events where occurred_at < '{first}Z'")
    run_nights(filled, NIGHTS)
    assert tables(filled, TOTALS, LISTS, TRENDS) == left


def test_who_did_nothing_that_is_kept_is_forgotten(filled: Tenant) -> None:
    run_nights(filled, NIGHTS[:2])
    filled.rows("insert into users (user_id, attributes) values ('known', '{\"a\": 1}')")
    long_after = noon(NIGHTS[1] + timedelta(days=400))

    counts = drop_rows(with_settings(filled, keep_events=365), long_after)

    assert counts["users_forgotten"] > 5
    assert filled.rows("select user_id from users") == [("known",)]
    held = ("interactions", "interest_totals", "recommendation_lists", "user_neighbours")
    for table in (*held, "topic_shares", "topic_texts"):
        assert filled.rows(f"select count(*) from {table}") == [(0,)]
    texts = "select count(*) from texts where text_key not in (select text_key from items)"
    assert filled.rows(texts) == [(0,)]
    assert counts["texts_dropped"] > 0


def test_lists_of_old_nights_go_and_the_nights_can_be_run_again(filled: Tenant) -> None:
    few = with_settings(filled, keep_nights=2, late_days=0)
    run_nights(few, NIGHTS[:5])
    served = few.rows(LISTS)

    assert drop_lists(few)["nights_dropped"] == 3

    assert [night for night, _ in few.rows(LISTED)] == [NIGHTS[3], NIGHTS[4]]
    assert few.rows(LISTS) == served
    assert few.rows("select count(*) from published_nights") == [(5,)]
    assert few.rows("select min(night) from trends") == [(NIGHTS[3],)]
    assert drop_lists(few)["nights_dropped"] == 0
    run_nights(few, NIGHTS[:1])
    assert [night for night, _ in few.rows(LISTED)] == [NIGHTS[0], NIGHTS[3], NIGHTS[4]]
    assert few.rows(LISTS) == served


def test_lists_that_late_days_may_judge_again_are_kept(filled: Tenant) -> None:
    few = with_settings(filled, keep_nights=1, late_days=3)
    run_nights(few, NIGHTS)

    drop_lists(few)

    assert len(few.rows(LISTED)) == 5


def test_a_list_that_still_serves_stays_however_old(filled: Tenant) -> None:
    """Where users who were idle for long are not refreshed."""
    few = with_settings(
        filled, keep_nights=1, late_days=0, refresh_days=1, enough_users=0.0, enough_overlap=0.0
    )
    run_nights(few, NIGHTS[:4])
    served = few.rows(LISTS)
    n_served = len({row[0] for row in served})

    drop_lists(few)

    assert few.rows(LISTS) == served
    ((n_lists,),) = few.rows("select count(*) from recommendation_lists where night < '2024-03-03'")
    assert int(str(n_lists)) < n_served
    maintain(few.settings)
    assert few.rows(LISTS) == served


def test_rejected_rows_and_experiments_are_kept_as_long_as_is_set(filled: Tenant) -> None:
    filled.events({"event_type": "moan"})
    filled.extract()
    now = datetime.now(UTC)
    keeping = with_settings(filled, keep_rejected=10, keep_user_days=5)
    filled.rows("insert into users (user_id, attributes) values ('u', '{}')")
    filled.rows("insert into variants (variant) values ('v')")
    filled.rows(
        "insert into experiment_user_days (night, user_key, variant_key, target, segment)"
        " select '2024-03-01', user_key, variant_key, 'all', 'cold' from users, variants limit 1"
    )

    assert drop_rows(filled, now)["rejected_rows_dropped"] == 0
    assert filled.rows("select count(*) from experiment_user_days") == [(1,)]
    counts = drop_rows(keeping, now + timedelta(days=9))
    assert (counts["rejected_rows_dropped"], counts["user_days_dropped"]) == (0, 1)
    assert drop_rows(keeping, now + timedelta(days=11))["rejected_rows_dropped"] == 1


def test_drafts_of_a_run_that_failed_are_dropped_after_a_week(filled: Tenant) -> None:
    filled.draft(NIGHTS[0])

    assert drop_lists(filled, datetime.now(UTC) + timedelta(days=6))["drafts_dropped"] == 0
    assert drop_lists(filled, datetime.now(UTC) + timedelta(days=8))["drafts_dropped"] == 1
    assert filled.rows("select count(*) from draft_lists") == [(0,)]
    run_nights(filled, NIGHTS[:1])


@pytest.mark.parametrize(
    "damage",
    [
        "update interest_totals set mass = mass * 1.001 where user_key = {}",
        "update interest_totals set total = total * total where user_key = {}",
        "update interest_totals set mass = 'NaN' where user_key = {}",
        "update interest_totals set as_of = as_of - 1 where user_key = {}",
        "delete from interest_totals where user_key = {}",
        "delete from daily_interests where user_key = {}",
    ],
)
def test_a_total_that_is_not_the_fold_of_its_deltas_is_named_and_mended(
    filled: Tenant, warnings: list[dict[str, object]], damage: str
) -> None:
    run_nights(filled, NIGHTS[:2], PUBLISHED[:4])
    ((user_key,),) = filled.rows("select min(user_key) from interest_totals")
    ((user_id,),) = filled.rows(f"select user_id from users where user_key = {user_key}")
    right = filled.rows(TOTALS)
    filled.rows(damage.format(user_key))

    counts = maintain(filled.settings)

    assert counts["totals_mended"] == 1
    assert [log["users"] for log in warnings if log["log_level"] == "warning"] == [[user_id]]
    is_without = damage.startswith("delete from daily")
    expected = [row for row in right if row[0] != user_id] if is_without else right
    assert filled.rows(TOTALS) == expected
    assert maintain(filled.settings)["totals_mended"] == 0


def test_rounding_is_no_damage(filled: Tenant) -> None:
    run_nights(filled, NIGHTS[:2], PUBLISHED[:4])
    filled.rows("update interest_totals set mass = mass * (1 + 1e-6)")

    assert maintain(filled.settings)["totals_mended"] == 0


def test_texts_that_nobody_has_go_and_vectors_of_an_encoder_that_none_reads(
    filled: Tenant,
) -> None:
    run_nights(filled, NIGHTS[:1])
    ((n_texts,),) = filled.rows("select count(*) from texts")
    filled.rows("insert into texts (content_hash, content) values ('x', 'of nobody')")
    filled.rows("insert into text_vectors select 'a', text_key, '[1]' from texts")
    ((n_vectors,),) = filled.rows("select count(*) from text_vectors where encoder_id != 'a'")

    assert maintain(filled.settings)["texts_dropped"] == 1

    assert filled.rows("select count(*) from texts") == [(n_texts,)]
    assert filled.rows("select count(*) from text_vectors") == [(n_vectors,)]


def test_maintenance_waits_for_a_step_and_gives_up_with_a_reason(filled: Tenant) -> None:
    impatient = with_settings(filled, lock_timeout=1)

    with filled.warehouse.transaction(exclusive=True), pytest.raises(NightBusy, match="waited 1 s"):
        maintain(impatient.settings)


@pytest.mark.slow
def test_maintenance_beside_nights_leaves_what_nights_alone_leave(filled: Tenant) -> None:
    run_nights(filled, NIGHTS)
    expected = tables(filled, TOTALS, LISTS, TRENDS)
    empty(filled.warehouse)
    failed: list[Exception] = []

    def maintain_on_and_on() -> None:
        try:
            for _ in range(8):
                maintain(filled.settings)
        except Exception as error:  # noqa: BLE001  told below
            failed.append(error)

    beside = Thread(target=maintain_on_and_on)
    beside.start()
    run_nights(filled, np.random.default_rng(3).permutation(np.array(NIGHTS)).tolist())
    beside.join()

    assert failed == []
    assert tables(filled, TOTALS, LISTS, TRENDS) == expected
