"""The source's rows: a night takes or rejects each, whatever it holds, and gives it back."""

from datetime import UTC, datetime, timedelta
from itertools import count, cycle

import pytest
from cli.shop import Ebbtide
from hypothesis import given
from hypothesis import strategies as st
from sources import NIGHT, add_events, add_items, create_source, noon

from recsys_tasks import nightly
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse

from .entrances import Entrances, some
from .hostile import HOSTILE, anything

TYPES = ("purchase", "view", "rating", "comment", "search", "moan", "PURCHASE", "")
TIMES = (
    noon(NIGHT),
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2024, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
    None,
)
NUMBERS = (None, 0.0, -1.0, 5.0, 1e300, -1e-300, float("nan"), float("inf"), -float("inf"))
COMMANDS = (("recommend", "-n", "2"), ("export",), ("similar", "-n", "2"))
ANY = {
    "user_id": st.none() | anything,
    "item_id": st.none() | anything | st.sampled_from(["i1", "i2", "i3"]),
    "event_type": st.none() | st.sampled_from(TYPES) | anything,
    "value": st.sampled_from(NUMBERS) | st.floats(),
    "text": st.none() | anything | st.just("word " * 10_000),
    "occurred_at": st.sampled_from(TIMES) | st.datetimes(timezones=st.just(UTC)),
}
RIGHT = {
    "user_id": "u1",
    "item_id": "i1",
    "event_type": "purchase",
    "value": None,
    "text": None,
    "occurred_at": noon(NIGHT),
}
# A right row in which up to two fields are anything.
rows = st.lists(
    st.one_of(*(st.tuples(st.just(field), any_) for field, any_ in ANY.items())), max_size=2
).map(lambda fields: RIGHT | dict(fields))
_numbers = count()
GOOD = [{"event_id": f"good {n}", "user_id": f"good {n}", "item_id": "i1"} for n in range(3)]


def test_ids_of_every_kind_come_back_as_they_are(
    entrances: Entrances, shop: Warehouse, settings: Settings, ebbtide: Ebbtide
) -> None:
    add_items(shop, *({"item_id": hostile, "title": hostile} for hostile in HOSTILE))
    add_events(
        shop,
        *({"user_id": name, "item_id": name, "event_id": name} for name in HOSTILE),
        *({"user_id": name, "item_id": "i01"} for name in HOSTILE),
    )
    nightly.run_night(settings, NIGHT)
    kept = [name for name in HOSTILE if name.strip()]
    with shop.transaction() as session:
        found = {row[0] for row in session.select("select user_id from users")}
        assert found >= set(kept)
        taken = {row[0] for row in session.select("select event_id from interactions")}
        assert taken >= set(kept)
        for name in kept:
            asked = session.select("select item_id from recommend(%(name)s, 5)", {"name": name})
            assert len(asked) == 5
            assert (name,) not in asked  # which they have
    for name, command in zip(kept, cycle(COMMANDS), strict=False):
        answer = ebbtide(*command, "--", name)
        assert answer.status == 0, (command, name, answer.err)
        assert "\x1b[31m" not in answer.out
        entrances.tell("ids")


def test_texts_of_megabytes_and_long_ids_stop_nobody(
    entrances: Entrances, shop: Warehouse, settings: Settings
) -> None:
    long = "never ending " * 100_000
    # Ids as long as a source's own index can hold them.
    places = {"user_id": long[:2000], "item_id": long[:2000], "text": long}
    add_items(shop, {"item_id": "long", "title": long, "description": long})
    add_events(
        shop,
        *({"event_id": name, "item_id": "i01"} | {name: held} for name, held in places.items()),
    )
    nightly.run_night(settings, NIGHT)
    with shop.transaction() as session:
        told = session.select("select event_id from rejected_interactions where reason ~ 'limit'")
        items = session.select("select item_id from items where item_id = 'long'")
        states = session.select("select distinct state from nights")
    assert {event_id for (event_id,) in told} == {*places}
    assert items == [("long",)]
    assert states == [("done",)]
    entrances.answered["long texts and ids"] += 1
    entrances.refused["long texts and ids"] += len(places)


@pytest.fixture
def catalogue(warehouse: Warehouse) -> Warehouse:
    """A source of eight items, in which nothing was done yet."""
    create_source(warehouse)
    add_items(warehouse, *({"item_id": f"i{n}"} for n in range(1, 9)))
    return warehouse


@some(0.05)
@given(drawn=st.lists(rows, min_size=20, max_size=40))
def test_a_night_ends_and_each_row_is_taken_or_rejected_with_a_reason(
    entrances: Entrances,
    catalogue: Warehouse,
    settings: Settings,
    drawn: list[dict[str, object]],
) -> None:
    warehouse = catalogue
    with warehouse.transaction() as session:
        session.select("truncate app.events")
    # Examples share the warehouse, which keeps what it took or rejected of days that are long over.
    given_rows = [{"event_id": f"bad {next(_numbers)}", **row} for row in drawn]
    add_events(warehouse, *GOOD, *given_rows)
    day = NIGHT + timedelta(days=1)
    # The night before is another example's, with other users.
    calm = settings.model_copy(update={"enough_users": 0.0, "enough_overlap": 0.0})
    for night in (NIGHT, day):
        nightly.run_night(calm, night)
    with warehouse.transaction() as session:
        ids = session.select("select event_id from interactions")
        rejected = session.select("select event_id, reason from rejected_interactions")
        states = session.select("select distinct state from nights")
        lists = session.select("select count(*) from recommend('good 1', 5)")
        scores = session.select("select score from recommendations where score = 'NaN'")
    taken = {str(event_id) for (event_id,) in ids}
    reasons = {str(event_id): str(reason) for event_id, reason in rejected}
    for row in given_rows:
        # Rows without a time, or of other days, are no night's: they are neither.
        if row["occurred_at"] in TIMES[:3]:
            assert (row["event_id"] in taken) != (row["event_id"] in reasons), row
            refused = row["event_id"] in reasons
            (entrances.refused if refused else entrances.answered)["rows of the source"] += 1
    assert all(reason.strip() for reason in reasons.values())
    assert states == [("done",)]
    assert lists == [(5,)]
    assert scores == []
