"""Extract: what is taken of a source, and when a day is taken again."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from sources import NIGHT, noon

from recsys_tasks.settings import EventType
from recsys_tasks.steps import embed_items

from .loose import add_loose
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


def written(tenant: Tenant) -> list[list[tuple[object, ...]]]:
    return [tenant.rows(statement) for statement in WRITTEN]


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


def test_since_when_an_item_is_met_follows_late_events_and_not_late_nights(tenant: Tenant) -> None:
    """A night that asks who met an item looks no further back."""
    met = "select item_id, met_on from items order by item_id"
    tenant.items({"item_id": "known"})
    tenant.run(embed_items)
    tenant.events({"item_id": "known"}, {"item_id": "told by events"})
    tenant.extract(NIGHT)
    assert tenant.rows(met) == [("known", NIGHT), ("told by events", NIGHT)]
    tenant.events({"event_id": "late", "item_id": "known", "day": NIGHT - ONE_DAY})
    tenant.events({"event_id": "next", "item_id": "told by events", "day": NIGHT + ONE_DAY})
    tenant.extract(NIGHT + ONE_DAY)
    assert tenant.rows(met) == [("known", NIGHT - ONE_DAY), ("told by events", NIGHT)]


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
    tenant.extract(NIGHT + ONE_DAY, event_types={"poke": EventType(weight=1)})

    assert tenant.rows("select max(event_type_key), count(*) from event_types") == [(21, 21)]
    assert tenant.rows("select max(user_key), max(item_key) from users, items") == [(2, 2)]


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
