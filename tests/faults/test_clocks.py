"""Clocks and time zones of whoever runs a night change nothing of it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import cycle

import pytest
from psycopg2.extensions import make_dsn

from recsys_tasks import ledger, nightly
from recsys_tasks.errors import BadSettings

from .contents import State
from .disturbed import assert_same
from .places import DAYS, Place, Stage, database, open_world
from .tally import Tally

SESSIONS = {
    "America/New_York": "-c timezone=America/New_York -c datestyle=SQL,DMY",
    "Pacific/Kiritimati": "-c timezone=Pacific/Kiritimati -c intervalstyle=sql_standard",
    "Europe/Berlin": "-c timezone=Europe/Berlin -c extra_float_digits=-5 -c bytea_output=escape",
}
# Days on which clocks are set forward, and back: a day of 23 hours, and one of 25.
SWITCHES = {
    "America/New_York": date(2024, 3, 10),
    "Europe/Berlin": date(2024, 10, 27),
}


@contextmanager
def living_in(zone: str) -> Iterator[None]:
    """This process, and the C library in it, has the zone's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


def moved(place: Place, options: str) -> Place:
    dsn = make_dsn(place.dsn, options=options)
    return place._replace(settings=place.settings.model_copy(update={"dsn": dsn}))


def nights_of(place: Place, days: tuple[date, ...], options: str = "") -> State:
    for day in days:
        moved(place, options).run_night(day)
    return place.state()


@pytest.mark.some(2)
@pytest.mark.parametrize("zone", SESSIONS)
def test_sessions_in_other_zones_and_styles_make_the_same_night(
    world: Place, stages: dict[str, Stage], tally: Tally, zone: str
) -> None:
    with tally.injection("another zone and style"), world.copied() as place, living_in(zone):
        moved(place, SESSIONS[zone]).run_night()
        assert_same(place.state(), stages[nightly.STEPS[-1]].after)


@pytest.mark.some(1)
@pytest.mark.parametrize("zone", SWITCHES)
def test_nights_around_the_switch_to_another_time_are_of_24_hours(
    server: str, untouched: Place, tally: Tally, zone: str
) -> None:
    days = tuple(SWITCHES[zone] + n * timedelta(days=1) for n in (-1, 0, 1))
    with tally.injection("daylight saving"), database(server) as name:
        dsn = make_dsn(server, dbname=name)
        place = Place(server, name, untouched.settings.model_copy(update={"dsn": dsn}))
        open_world(place.settings, days)
        with place.copied() as same:
            expected = nights_of(same, days)
        with living_in(zone):
            assert_same(nights_of(place, days, SESSIONS[zone]), expected)
        taken = [line for line in expected.rows["interactions"] if f"'{SWITCHES[zone]}'" in line]
        assert len(taken) == 24  # all of that day's events but the one that is rejected


@pytest.mark.some(2)
@pytest.mark.parametrize("hours", [(-30, 30), (-1, -2, -3), (0, 9000)])
def test_a_clock_that_jumps_in_the_middle_of_a_night_changes_nothing(
    world: Place, stages: dict[str, Stage], tally: Tally, hours: tuple[int, ...]
) -> None:
    jumps = cycle(hours)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=next(jumps))

    with (
        tally.injection("clock jumps"),
        world.copied() as place,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(ledger, "datetime", Clock)
        patch.setattr(nightly, "datetime", Clock)
        place.run_night()
        assert_same(place.state(), stages[nightly.STEPS[-1]].after)


def test_a_clock_of_long_ago_refuses_the_day_and_leaves_nothing(
    world: Place, stages: dict[str, Stage], tally: Tally
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2000, 1, 1, tzinfo=tz or UTC)

    with tally.injection("clock of long ago"), world.copied() as place:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nightly, "datetime", Clock)
            with pytest.raises(BadSettings, match=f"Day {DAYS[-1]} has not begun"):
                place.run_night()
        assert_same(place.state(), stages[nightly.STEPS[0]].before)
        place.run_night()
        assert_same(place.state(), stages[nightly.STEPS[-1]].after)


def test_a_process_in_another_zone_has_another_clock() -> None:
    """Else the tests above would try nothing."""
    with living_in("Pacific/Kiritimati"):
        assert time.strftime("%z") == "+1400"
    assert "TZ" not in os.environ or time.strftime("%z") != "+1400"
