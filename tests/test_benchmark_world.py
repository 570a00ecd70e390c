"""The world that benchmarks run on: like a real shop, and in the state that nights would leave."""

from itertools import islice
from pathlib import Path
from time import sleep

import numpy as np
import pandas as pd
import psycopg2
import pytest
import typer

from benchmarks.calibrating import SHOP, calibrate, fit
from benchmarks.filling import fill, write_items
from benchmarks.floors import Floors
from benchmarks.night import floors_by_step
from benchmarks.side_by_side import side_by_side
from benchmarks.watching import Watch
from benchmarks.words import word
from benchmarks.world import FIRST_DAY, TYPES, Day, Size, World
from recsys_tasks import nightly
from recsys_tasks.interactions import date_of, day_number
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect

SMALL = Size(users=120, items=80, active=0.2, days=5, visit=4.0)
# Of every table that nights build up before lists are made, what does not name a key.
STATE = {
    "interactions": """
        select event_id, day, user_id, item_id, event_type, value, occurred_at
        from interactions
        inner join users using (user_key)
        inner join items using (item_key)
        inner join event_types using (event_type_key)
    """,
    "daily_interests": """
        select user_id, day, half_life, mass, total::text
        from daily_interests inner join users using (user_key)
    """,
    "interest_totals": """
        select user_id, as_of, half_life, mass, alpha, total::text
        from interest_totals inner join users using (user_key)
    """,
    "daily_trends": "select item_id, day, mass from daily_trends inner join items using (item_key)",
    "interaction_days": "select * from interaction_days",
    "accumulated_days": "select day, fingerprint from accumulated_days",
    "event_types": "select event_type, largest_value from event_types",
    "items": """
        select item_id, title, category, is_listed, is_available, created_at, source_hash, content
        from items inner join texts using (text_key)
    """,
    "text_vectors": """
        select content, vector::text from text_vectors inner join texts using (text_key)
    """,
    "pending_merges": "select user_key from pending_merges",
}
LISTS = "select user_id, rank, item_id, score, reason from recommendations"


def rows_of(settings: Settings, query: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(settings.dsn, options="-c search_path=recsys,public")
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        rows = sorted(cursor.fetchall(), key=repr)
    connection.close()
    return rows


@pytest.fixture
def worlds(dsn: str, empty_dsn: str, tmp_path: Path) -> tuple[Settings, Settings]:
    """The same world twice: its state filled in; and its source alone, with every night run."""
    filled, _ = fill(World(SMALL), dsn, tmp_path, with_state=True, nights=1)
    lived, _ = fill(World(SMALL), empty_dsn, tmp_path, with_state=False, nights=1)
    for number in range(SMALL.days):
        for step in ("extract", "embed_items", "accumulate", "merge"):
            nightly.run_step(step, date_of(day_number(FIRST_DAY) + number), lived)
    return filled, lived


def test_a_filled_state_is_what_nights_leave(worlds: tuple[Settings, Settings]) -> None:
    filled, lived = worlds

    for table, query in STATE.items():
        assert rows_of(filled, query) == rows_of(lived, query), table


def test_the_next_night_goes_on_from_a_filled_state(worlds: tuple[Settings, Settings]) -> None:
    """Its lists are those after as many nights, and it takes in no day but its own."""
    night = date_of(day_number(FIRST_DAY) + SMALL.days)
    for settings in worlds:
        warehouse = connect(settings)
        with warehouse.transaction() as session:
            write_items(session, World(SMALL), day_number(night))
        warehouse.close()
        counts = nightly.run_night(settings, night)
        assert counts["extract"]["days"] == 1

    filled, lived = (rows_of(settings, LISTS) for settings in worlds)

    assert filled == lived
    assert filled


def test_every_step_that_moves_rows_has_a_floor(worlds: tuple[Settings, Settings]) -> None:
    """They leave nothing behind."""
    settings, _ = worlds
    night = date_of(day_number(FIRST_DAY) + SMALL.days)
    nightly.run_night(settings, night)
    warehouse = connect(settings)

    floors = Floors(warehouse, settings, night).measured()

    warehouse.close()
    assert floors_by_step(floors).keys() == set(nightly.STEPS) - {"publish"}
    assert all(floor.seconds > 0 for floor in floors if floor.what.startswith("COPY"))
    assert rows_of(settings, "select relname from pg_class where relname like 'bare%'") == []


def test_other_ways_of_merging_agree(worlds: tuple[Settings, Settings]) -> None:
    """The contest itself compares totals; it takes back what it writes."""
    settings, _ = worlds
    night = date_of(day_number(FIRST_DAY) + SMALL.days)
    nightly.run_night(settings, night)
    before = rows_of(settings, STATE["interest_totals"])
    warehouse = connect(settings)

    figures = side_by_side(warehouse, settings, night)

    warehouse.close()
    assert [figure.way for figure in figures if figure.ratio == 1] == [
        "ranking.top_k",
        "the step merge",
    ]
    assert rows_of(settings, STATE["interest_totals"]) == before


def test_a_watch_sees_what_is_held(dsn: str) -> None:
    with Watch(dsn) as memory:
        sleep(0.5)
        before = memory.program
        held = np.ones(50_000_000)  # 0.37 GiB
        sleep(0.5)

    assert memory.program - before > 0.9 * held.nbytes / 2**30
    assert memory.postgres > 0


def test_a_world_is_not_put_upon_another(dsn: str, tmp_path: Path) -> None:
    fill(World(SMALL), dsn, tmp_path, with_state=False)

    with pytest.raises(typer.BadParameter, match="name an empty one"):
        fill(World(SMALL._replace(seed=1)), dsn, tmp_path, with_state=False)


def as_frames(world: World, n_days: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Items and events as a folder in the source contract has them."""
    rows = np.arange(len(world.births))
    items = pd.DataFrame({"item_id": rows, "title": world.texts(rows), "description": ""})
    items["category"] = world.categories.astype(str)
    return items, pd.concat(map(as_frame, islice(world.days(), n_days)), ignore_index=True)


def as_frame(day: Day) -> pd.DataFrame:
    columns = {
        "user_id": day.users,
        "item_id": day.items,
        "event_type": np.array(TYPES)[day.types],
        "value": day.paid,
        "occurred_at": pd.to_datetime(day.instants, unit="us", utc=True),
    }
    return pd.DataFrame(columns)


def test_a_world_has_the_statistics_that_it_was_given() -> None:
    size = Size(users=2_000, items=20_000, active=0.03, days=280)

    found = fit(*as_frames(World(size), size.days))

    # What a fit to counts of few can see: chance makes repeats too, and what wanders slowly looks
    # like popularity.
    assert found.visit == pytest.approx(SHOP.visit, rel=0.05)
    assert found.visit_spread == pytest.approx(SHOP.visit_spread, rel=0.1)
    assert found.user_spread == pytest.approx(SHOP.user_spread, rel=0.2)
    assert found.item_spread == pytest.approx(SHOP.item_spread, rel=0.2)
    assert SHOP.repeats < found.repeats < SHOP.repeats + 0.15
    assert found.wander == pytest.approx(SHOP.wander, rel=0.3)
    assert SHOP.wander_half_life / 2 < found.wander_half_life < SHOP.wander_half_life * 2
    assert found.loyalty == pytest.approx(SHOP.loyalty, abs=0.1)
    assert found.returns == pytest.approx(SHOP.returns, rel=0.1)
    assert found.hour == pytest.approx(SHOP.hour, abs=0.1)
    assert found.value == pytest.approx(SHOP.value, abs=0.05)


def test_the_shop_is_online_retail(shared_data: Path) -> None:
    found = calibrate(shared_data / "online-retail")

    expected = SHOP._replace(loyalty=found.loyalty)
    assert found == pytest.approx(expected, rel=0.005, nan_ok=True)


def test_as_many_users_come_as_asked() -> None:
    world = World(Size(users=20_000, items=200, active=0.1, days=3, visit=2.0))

    come = [len(np.unique(day.users)) for day in islice(world.days(), 3)]

    # The standard deviation of a binomial share is sqrt(.1 * .9 / 20000) = .002.
    assert np.mean(come) / 20_000 == pytest.approx(0.1, abs=0.006)


def test_nobody_meets_an_item_before_it_is_born() -> None:
    world = World(Size(users=500, items=50, active=0.5, days=60), SHOP._replace(births=0.02))

    for day in islice(world.days(), 60):
        assert (world.births[day.items] <= day.number).all()


def test_a_seed_makes_one_world() -> None:
    def events(seed: int) -> list[int]:
        world = World(Size(users=300, items=60, active=0.2, days=2, seed=seed))
        return [item for day in islice(world.days(), 2) for item in day.items.tolist()]

    assert events(1) == events(1)
    assert events(1) != events(2)


def test_every_word_is_another_one() -> None:
    numbers = range(-500, 16_000)

    assert len({word(number) for number in numbers}) == len(numbers)
