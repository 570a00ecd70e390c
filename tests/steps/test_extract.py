"""Extract: what is taken of a source, what is rejected, and when a day is taken again."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from sources import NIGHT, Row, noon

from recsys_tasks.settings import read_settings

from .tenant import Tenant

ONE_DAY = timedelta(days=1)
# All that extract writes, but for the moment at which it did.
WRITTEN = (
    "select * from interactions order by event_id",
    "select * from interaction_days order by day",
    "select day, event_id, reason, row, step from rejected_interactions order by event_id, reason",
    "select * from event_types order by event_type_key",
    "select * from users order by user_key",
    "select * from items order by item_key",
)
LOOSE_EVENTS = """
create table app.loose (
    event_id text, user_id text, item_id text, event_type text, value double precision, text text,
    occurred_at timestamptz, ingested_at timestamptz
);
"""
LOOSE_VIEW = "create or replace temporary view source_events as select * from app.loose;"


def written(tenant: Tenant) -> list[list[tuple[object, ...]]]:
    return [tenant.rows(statement) for statement in WRITTEN]


@pytest.fixture
def loose(tenant: Tenant, tmp_path: Path) -> Tenant:
    """A source whose events have no primary key."""
    tenant.rows(LOOSE_EVENTS)
    for name in ("items", "users"):
        view = f"create or replace temporary view source_{name} as select * from app.{name};"
        (tmp_path / f"{name}.sql").write_text(view)
    (tmp_path / "events.sql").write_text(LOOSE_VIEW)
    return Tenant(
        tenant.warehouse, tenant.settings.model_copy(update={"source": str(tmp_path)})
    )


def add_loose(tenant: Tenant, event_id: str | None, item_id: str, occurred_at: datetime) -> None:
    with tenant.warehouse.transaction() as session:
        session.select(
            "insert into app.loose (event_id, user_id, item_id, event_type, occurred_at)"
            " values (%(event_id)s, 'u1', %(item_id)s, 'purchase', %(occurred_at)s)",
            {"event_id": event_id, "item_id": item_id, "occurred_at": occurred_at},
        )


# Rejected rows


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"event_type": "poke"}, "unknown event type 'poke': declare it with RECSYS_EVENT_TYPES="),
        ({"event_type": None}, "unknown event type null: "),
        ({"user_id": None}, "missing user: "),
        ({"user_id": ""}, "missing user: "),
        ({"item_id": None}, "missing item: purchase needs an item_id"),
        ({"item_id": ""}, "missing item: purchase needs an item_id"),
        ({"item_id": None, "event_type": "search"}, "missing item and text: search needs one"),
        (
            {"item_id": None, "event_type": "search", "text": " \n"},
            "missing item and text: search needs one",
        ),
        ({"occurred_at": None}, "unreadable time: "),
        ({"occurred_at": datetime(1969, 12, 31, tzinfo=UTC)}, "time out of range: "),
        ({"occurred_at": "-infinity"}, "time out of range: "),
        ({"occurred_at": "0044-03-15 BC"}, "time out of range: "),
        ({"occurred_at": datetime.now(UTC) + 2 * ONE_DAY}, "future time: "),
        ({"occurred_at": "infinity"}, "future time: "),
        ({"occurred_at": "20000-01-01"}, "future time: "),
        ({"value": float("nan")}, "value out of range: not finite"),
        ({"value": float("inf")}, "value out of range: not finite"),
        ({"value": -0.5}, "value out of range: below 0"),
        ({"value": 101, "event_type": "rating"}, "value out of range: above 100"),
        ({"value": 1e31}, "value out of range: beyond 1e30"),
        ({"text": "x" * 20_001}, "text over the limit of 20000 characters (RECSYS_TEXT_LIMIT)"),
    ],
)
def test_a_broken_row_is_kept_with_its_reason_and_stops_nobody(
    tenant: Tenant, row: Row, reason: str
) -> None:
    tenant.events({"event_id": "broken", **row}, {"event_id": "good"})

    counts = tenant.extract()

    assert counts["rejected"] == 1
    assert tenant.taken() == ["good"]
    ((event_id, said),) = tenant.rejected()
    assert event_id == "broken"
    assert str(said).startswith(reason)


def test_a_rejected_row_is_kept_as_it_came(tenant: Tenant) -> None:
    tenant.events(
        {"event_id": "broken", "user_id": "", "value": 2.5, "text": "hm"},
    )
    tenant.extract()

    assert tenant.rows("select day, row from rejected_interactions") == [
        (
            NIGHT,
            {
                "event_id": "broken",
                "user_id": "",
                "item_id": "i1",
                "event_type": "purchase",
                "value": 2.5,
                "text": "hm",
                "occurred_at": "2024-03-01T12:00:00+00:00",
                "ingested_at": None,
            },
        )
    ]


def test_rows_without_an_id_are_rejected_one_by_one(loose: Tenant) -> None:
    for event_id in (None, None, ""):
        add_loose(loose, event_id, "i1", noon(NIGHT))

    assert loose.extract()["rejected"] == 3
    assert [reason for _, reason in loose.rejected()] == ["missing event_id"] * 3


def test_a_search_needs_no_item(tenant: Tenant) -> None:
    tenant.events({"event_type": "search", "item_id": None, "text": " red cup\n"})
    tenant.extract()

    assert tenant.rows("select item_key, content from interactions") == [(None, "red cup")]


def test_a_text_of_exactly_the_limit_is_taken(tenant: Tenant) -> None:
    tenant.events({"text": "x" * 20_000})

    assert tenant.extract()["rejected"] == 0


def test_a_value_too_small_for_the_table_is_nothing(tenant: Tenant) -> None:
    tenant.events({"value": 1e-50})
    tenant.extract()

    assert tenant.rows("select value from interactions") == [(0.0,)]


def test_a_type_that_is_declared_later_brings_its_rows_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant.events({"event_id": "poke", "event_type": "poke", "day": NIGHT - 30 * ONE_DAY}, {})
    tenant.extract()
    assert len(tenant.taken()) == 1

    monkeypatch.setenv("RECSYS_EVENT_TYPES", '{"poke": {"weight": 1}}')
    declared = read_settings(dsn=tenant.settings.dsn).event_types
    counts = tenant.extract(NIGHT + ONE_DAY, event_types=declared)

    assert "poke" in tenant.taken()
    assert tenant.rejected() == []
    assert counts["rejected"] == 0


def test_what_lies_in_the_future_is_taken_when_its_day_has_come(tenant: Tenant) -> None:
    ahead = datetime.now(UTC) + 2 * ONE_DAY
    tenant.events({"event_id": "ahead", "occurred_at": ahead})
    tenant.extract()
    assert len(tenant.rejected()) == 1
    tenant.rows(
        "update app.events set occurred_at = occurred_at - interval '2 days';"
        " update rejected_interactions set day = day - 2"
    )

    tenant.extract((ahead - 2 * ONE_DAY).date())

    assert tenant.taken() == ["ahead"]
    assert tenant.rejected() == []


# Days


def test_a_day_is_a_day_in_utc(tenant: Tenant) -> None:
    midnight = datetime(2024, 3, 1, tzinfo=UTC)
    last = midnight - timedelta(microseconds=1)
    tenant.events(
        {"event_id": "last", "occurred_at": last},
        {"event_id": "first", "occurred_at": midnight},
        {"event_id": "tomorrow", "occurred_at": midnight + ONE_DAY},
    )
    tenant.extract(NIGHT)

    assert tenant.rows("select event_id, day from interactions order by day") == [
        ("last", date(2024, 2, 29)),
        ("first", NIGHT),
    ]


def test_the_first_night_takes_the_whole_history_and_nothing_after_it(tenant: Tenant) -> None:
    tenant.events(
        {"event_id": "old", "day": date(2020, 1, 1)},
        {"event_id": "today"},
        {"event_id": "tomorrow", "day": NIGHT + ONE_DAY},
    )
    tenant.extract()

    assert tenant.taken() == ["old", "today"]


def test_the_next_night_takes_a_gap(tenant: Tenant) -> None:
    days = [NIGHT + n * ONE_DAY for n in range(10)]
    tenant.events(*({"event_id": f"e{n}", "day": day} for n, day in enumerate(days)))
    tenant.extract(days[0])

    counts = tenant.extract(days[-1])

    assert counts["days"] == 9
    assert tenant.taken() == [f"e{n}" for n in range(10)]


def test_late_events_are_taken_within_late_days(tenant: Tenant) -> None:
    tenant.events(*({"day": NIGHT - n * ONE_DAY} for n in range(6)))
    tenant.extract(NIGHT)
    tenant.events(*({"event_id": f"late {n}", "day": NIGHT - n * ONE_DAY} for n in range(1, 6)))

    tenant.extract(NIGHT, late_days=3)
    assert tenant.taken()[-3:] == ["late 1", "late 2", "late 3"]

    tenant.extract(NIGHT - 2 * ONE_DAY, late_days=3)
    assert tenant.taken()[-5:] == [f"late {n}" for n in range(1, 6)]


@pytest.mark.parametrize("n_others", [0, 1])
def test_a_day_whose_events_are_gone_is_taken_again(tenant: Tenant, n_others: int) -> None:
    """Also where it was the first day of the whole source."""
    tenant.events({"event_id": "gone", "day": NIGHT - ONE_DAY}, {"event_id": "today"})
    tenant.events(*({"event_id": "early", "day": date(2024, 1, 1)} for _ in range(n_others)))
    tenant.extract()
    tenant.rows("delete from app.events where event_id = 'gone'")

    tenant.extract(NIGHT)

    assert "gone" not in tenant.taken()
    assert len(tenant.taken()) == 1 + n_others


def test_a_day_whose_events_changed_is_taken_again(tenant: Tenant) -> None:
    tenant.events({"event_id": "e", "item_id": "wrong"}, {"event_id": "same"})
    tenant.extract()
    tenant.events({"event_id": "e", "item_id": "right"})

    counts = tenant.extract()

    assert counts == {"days": 1, "interactions": 2, "rejected": 0}
    assert tenant.rows(
        "select item_id from interactions inner join items using (item_key) where event_id = 'e'"
    ) == [("right",)]


def test_a_largest_value_that_was_a_mistake_does_not_stay(tenant: Tenant) -> None:
    """It is the scale of every other rating."""
    tenant.events(
        {"event_id": "e", "event_type": "rating", "value": 50},
        {"event_type": "rating", "value": 4, "day": NIGHT - 10 * ONE_DAY},
    )
    tenant.extract()
    tenant.events({"event_id": "e", "event_type": "rating", "value": 3})
    tenant.extract()

    scale = "select largest_value from event_types where event_type = 'rating'"
    assert tenant.rows(scale) == [(4.0,)]

    tenant.rows("delete from app.events")
    tenant.extract(late_days=30)
    assert tenant.rows(scale) == [(None,)]


def test_running_twice_changes_nothing(tenant: Tenant) -> None:
    tenant.events(
        {},
        {"event_type": "rating", "value": 3},
        {"day": NIGHT - ONE_DAY},
        {"event_type": "poke"},
        {"occurred_at": None},
        {"occurred_at": datetime.now(UTC) + 5 * ONE_DAY},
    )
    tenant.extract()
    before = written(tenant)

    counts = tenant.extract()

    assert written(tenant) == before
    assert counts["days"] == 0


def test_running_for_years_uses_no_keys_up(tenant: Tenant) -> None:
    """Event types have 32767 keys."""
    tenant.events({})
    tenant.extract()
    tenant.extract()
    tenant.events({"day": NIGHT + ONE_DAY, "user_id": "u2", "item_id": "i2"})
    tenant.extract(NIGHT + ONE_DAY, event_types={"poke": tenant_type()})

    assert tenant.rows("select max(event_type_key), count(*) from event_types") == [(21, 21)]
    assert tenant.rows("select max(user_key), max(item_key) from users, items") == [(2, 2)]


def tenant_type() -> object:
    """An event type that no preset knows."""
    from recsys_tasks.settings import EventType

    return EventType(weight=1)


def test_an_empty_source_is_taken_too(tenant: Tenant) -> None:
    assert tenant.extract() == {"days": 1, "interactions": 0, "rejected": 0}


# Copies


def test_of_two_events_with_one_id_the_earliest_counts(loose: Tenant) -> None:
    for hour in (3, 1, 2):
        add_loose(loose, "e", f"i{hour}", datetime(2024, 3, 1, hour, tzinfo=UTC))
    loose.extract()

    assert loose.rows("select item_id from interactions inner join items using (item_key)") == [
        ("i1",)
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_earliest_counts_whatever_the_order_of_nights(
    loose: Tenant, order: tuple[int, ...]
) -> None:
    """Each copy turns up in the source just before the night of its day."""
    for n in order:
        add_loose(loose, "e", f"i{n}", noon(NIGHT + n * ONE_DAY))
        loose.extract(NIGHT + n * ONE_DAY, late_days=0)

    assert loose.rows("select event_id, day from interactions") == [("e", NIGHT)]
    assert loose.rows("select sum(n_interactions) from interaction_days") == [(1,)]


def test_a_broken_copy_does_not_take_the_place_of_a_good_one(loose: Tenant) -> None:
    add_loose(loose, "e", "", noon(NIGHT) - timedelta(hours=1))
    add_loose(loose, "e", "i1", noon(NIGHT))
    loose.extract()

    assert loose.taken() == ["e"]
    assert len(loose.rejected()) == 1
