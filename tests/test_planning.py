"""Planning: forecasts follow what was measured, here before anywhere else."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sources import NIGHT, add_events, add_items, create_source

from recsys_tasks.errors import BadSettings
from recsys_tasks.planning import (
    MEASURED,
    Disk,
    Forecast,
    Ledger,
    MeasuredNight,
    Sizes,
    Speed,
    advice,
    forecast,
    measure_speed,
    measured_nights,
    plan_disk,
    read_ledger,
    read_sizes,
)
from recsys_tasks.planning.forecast import WORK
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse

HERE = Speed(100_000, 10)  # products of users with items are a part of rank, not all of it
NO_LEDGER = Ledger({}, 0)
SMALL = Sizes(
    users=1_000,
    active=100,
    ranked=1_000,
    items=500,
    new_items=1,
    events=2_000,
    history=20_000,
    half_lives=3,
    dim=384,
    list_length=50,
    late_days=3,
)
ROW_BYTES = {
    "users": 100.0,
    "interest_totals": 1_600.0,
    "items": 100.0,
    "interactions": 200.0,
    "recommendation_lists": 2_000.0,
}


def product(sizes: Sizes) -> float:
    """Seconds of users times items, HERE."""
    return sizes.ranked * sizes.items * sizes.dim / (1e9 * HERE.product)


def made(sizes: Sizes, speed: Speed = HERE) -> MeasuredNight:
    """A night in which each unit of work takes as many seconds as its place in the list."""
    seconds = {
        step: sum(place * amount for place, amount in enumerate(work(sizes), 1))
        for step, work in WORK.items()
    }
    seconds["rank"] += product(sizes)
    slower = {step: each * HERE.times(speed) for step, each in seconds.items()}
    return MeasuredNight(sizes, speed, slower, 1.0, ROW_BYTES)


NIGHTS = tuple(
    made(SMALL.scaled(users, items)._replace(history=history))
    for users, items, history in (
        (1e3, 1e3, 1e5),
        (1e5, 1e3, 1e6),
        (1e5, 1e5, 3e6),
        (1e6, 1e4, 1e8),
        (2e6, 1e6, 2e8),
    )
)


def test_a_night_between_measured_ones_is_told_exactly() -> None:
    asked = SMALL.scaled(users=4e5, items=5e4)

    told = forecast(asked, NIGHTS, HERE, NO_LEDGER)

    assert told.seconds == pytest.approx(made(asked).seconds, rel=1e-3)
    assert told.product_seconds == pytest.approx(product(asked))
    assert told.peak_gib == pytest.approx(1, rel=1e-6)


def test_a_machine_of_half_the_speed_takes_twice_as_long() -> None:
    slow = Speed(50_000, 5)

    assert forecast(SMALL, NIGHTS, slow, NO_LEDGER).seconds == pytest.approx({
        step: 2 * each for step, each in forecast(SMALL, NIGHTS, HERE, NO_LEDGER).seconds.items()
    })
    on_slow = tuple(made(night.sizes, slow) for night in NIGHTS)
    assert forecast(SMALL, on_slow, HERE, NO_LEDGER) == forecast(SMALL, NIGHTS, HERE, NO_LEDGER)


def test_nights_of_the_database_tell_their_own_cost() -> None:
    took = Ledger({"rank": 80.0, "check": 7.0}, 3)
    larger = SMALL.scaled(users=3e6)
    plain = forecast(SMALL, NIGHTS, HERE, NO_LEDGER)

    told = forecast(SMALL, NIGHTS, HERE, took)
    grown = forecast(larger, NIGHTS, HERE, took, SMALL)

    assert (told.seconds["rank"], told.seconds["check"]) == pytest.approx((80, 7))
    assert told.seconds["merge"] == plain.seconds["merge"]
    expected = 80 * made(larger).seconds["rank"] / made(SMALL).seconds["rank"]
    assert grown.seconds["rank"] == pytest.approx(expected, rel=1e-2)
    assert told.nights == 3


def test_more_of_anything_never_costs_less() -> None:
    before = sum(forecast(SMALL, measured_nights(), HERE, NO_LEDGER).seconds.values())
    for name in ("users", "active", "ranked", "items", "events", "history"):
        more = SMALL._replace(**{name: 10 * getattr(SMALL, name)})
        assert sum(forecast(more, measured_nights(), HERE, NO_LEDGER).seconds.values()) >= before


def test_each_shipped_night_is_told_by_the_others_within_a_factor_of_two() -> None:
    nights = measured_nights()
    assert len(nights) > 3
    for number, night in enumerate(nights):
        others = nights[:number] + nights[number + 1 :]
        told = forecast(night.sizes, others, night.speed, NO_LEDGER)
        assert 0.5 < sum(told.seconds.values()) / sum(night.seconds.values()) < 2
        assert 0.5 < told.peak_gib / night.peak_gib < 2


def test_a_file_without_nights_is_named(tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text('{"steps": 1}\n')

    with pytest.raises(BadSettings, match=r"none\.json has no nights"):
        measured_nights(tmp_path / "none.json")
    assert MEASURED.is_file()


def test_a_source_is_measured_before_its_first_night(
    warehouse: Warehouse, settings: Settings
) -> None:
    create_source(warehouse)
    add_items(warehouse, *({"item_id": f"i{n}"} for n in range(12)))
    add_events(
        warehouse,
        *(
            {"user_id": f"u{n % 3}", "item_id": "i1", "day": NIGHT + timedelta(days=n % 2)}
            for n in range(8)
        ),
        {"user_id": "long ago", "item_id": "i2", "day": NIGHT - timedelta(days=90)},
    )
    with warehouse.transaction() as session:
        sizes = read_sizes(session, settings)
        recent = read_sizes(session, settings.model_copy(update={"refresh_days": 30}))
        ledger = read_ledger(session)
        speed = measure_speed(session)
        session.undo()

    assert (sizes.users, sizes.ranked, recent.ranked) == (4, 4, 3)
    assert (sizes.items, sizes.history, sizes.events, sizes.active) == (12, 9, 4, 3)
    assert sizes.dim == 384
    assert ledger == NO_LEDGER
    assert min(speed) > 0


def test_lists_grow_until_as_many_nights_are_kept_and_behaviour_until_its_days(
    warehouse: Warehouse, settings: Settings
) -> None:
    nights = (made(SMALL),)
    with warehouse.transaction() as session:
        kept, longer, shorter = (
            plan_disk(session, theirs, SMALL, nights, n)
            for theirs, n in (
                (settings, 30),
                (settings, 300),
                (settings.model_copy(update={"keep_events": 10}), 300),
            )
        )
    a_day, lists = 2_000 * 200, 1_000 * 2_000

    assert kept.a_user == 100 + 3 * 1_600
    assert kept.standing == 1_000 * kept.a_user + 500 * 100
    assert kept.a_night == a_day + lists
    assert kept.after == kept.standing + 30 * (a_day + lists)
    assert longer.after == kept.standing + 300 * a_day + 30 * lists
    assert shorter.after == kept.standing + 10 * a_day + 30 * lists


def told(rank: float, product: float = 0, peak: float = 1) -> Forecast:
    return Forecast({**dict.fromkeys(WORK, 1.0), "rank": rank}, product, peak, 0)


@pytest.mark.parametrize(
    ("night", "said"),
    [
        (told(60), "Nothing to change"),
        (told(7_200), "RECSYS_SHARDS=4"),
        (told(60, peak=30), "RECSYS_SHARDS=3.*Celery or Kubernetes"),
        (told(7_200, product=5_000), "A GPU: 83 min"),
    ],
)
def test_advice_names_what_helps(night: Forecast, said: str) -> None:
    settings = read_settings(refresh_days=1)
    sentences = " ".join(advice(settings, SMALL, night, Disk(1, 1, 1, 30, 1), machine_gib=16))

    assert re.search(said, sentences)
