"""Extract: which rows of a source are rejected, with what reason, and until when."""

from datetime import UTC, datetime, timedelta

import pytest
from sources import NIGHT, Row, noon

from recsys_tasks.settings import read_settings

from .loose import add_loose
from .tenant import Tenant

ONE_DAY = timedelta(days=1)


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
