"""Which day a run is about: every way in which Airflow can start one."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recsys_tasks.days import behaviour_day, day_of_form, day_so_far, form_of
from recsys_tasks.errors import BadSettings

NOW = datetime(2011, 12, 10, 9, 30, tzinfo=UTC)
DAY = datetime(2011, 12, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
FORM: dict[str, Any] = {"day": None, "dry_run": False}


def context(**facts: object) -> dict[str, object]:
    """A task's context as Airflow builds it: what a kind of run does not have is missing."""
    run = {"conf": facts.pop("conf", {}), "run_after": facts.pop("run_after", NOW)}
    return {
        "dag": SimpleNamespace(params=FORM),
        "params": FORM,
        "partition_key": None,
        "dag_run": SimpleNamespace(**run),
    } | facts


def interval(since: datetime, until: datetime) -> dict[str, datetime]:
    return {"data_interval_start": since, "data_interval_end": until}


@pytest.mark.parametrize(
    ("facts", "day"),
    [
        pytest.param(
            {"logical_date": DAY, **interval(DAY, DAY + ONE_DAY)}, date(2011, 12, 1), id="schedule"
        ),
        pytest.param(
            {"logical_date": NOW, **interval(NOW, NOW)}, date(2011, 12, 9), id="plain cron string"
        ),
        pytest.param(
            {"logical_date": DAY, "run_after": NOW - 5 * ONE_DAY, **interval(DAY, DAY + ONE_DAY)},
            date(2011, 12, 1),
            id="catch-up, backfill, or a day that is cleared and run again",
        ),
        pytest.param({"partition_key": "2011-12-01"}, date(2011, 12, 1), id="partition"),
        pytest.param(
            {"logical_date": NOW, **interval(DAY + 8 * ONE_DAY, DAY + 9 * ONE_DAY)},
            date(2011, 12, 9),
            id="Trigger button",
        ),
        pytest.param({}, date(2011, 12, 9), id="null logical date, or an asset"),
        pytest.param(
            {"dag_run": SimpleNamespace(conf=None, run_after=NOW)}, date(2011, 12, 9), id="no conf"
        ),
        pytest.param(
            {"logical_date": DAY, **interval(DAY - ONE_DAY, DAY)},
            date(2011, 12, 1),
            id="dags test, or a REST call, for a date",
        ),
        pytest.param(
            {
                "logical_date": NOW.replace(hour=0, minute=0),
                **interval(DAY + 8 * ONE_DAY, DAY + 9 * ONE_DAY),
            },
            date(2011, 12, 9),
            id="today's midnight: today is not over",
        ),
        pytest.param(
            {
                "params": FORM | {"day": "2011-11-05"},
                "logical_date": DAY,
                **interval(DAY - ONE_DAY, DAY),
            },
            date(2011, 11, 5),
            id="form",
        ),
        pytest.param({"conf": {"day": None}}, date(2011, 12, 9), id="form left empty"),
    ],
)
def test_every_way_to_start_a_run_names_its_day(facts: dict[str, Any], day: date) -> None:
    assert behaviour_day(context(**facts), NOW) == day


def test_days_are_days_of_utc() -> None:
    """An interval given in another zone is the day that it covers in UTC."""
    there = interval(*(at.astimezone(ZoneInfo("Asia/Tokyo")) for at in (DAY, DAY + ONE_DAY)))

    assert (
        behaviour_day(context(logical_date=there["data_interval_start"], **there), NOW)
        == DAY.date()
    )


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"params": FORM | {"day": "2011-12-11"}}, "2011-12-11 has not begun"),
        ({"params": FORM | {"day": "yesterday"}}, "'yesterday' is not a date"),
        (
            {"conf": {"day": "2011-12-01", "date": "2011-12-01"}},
            "takes `day`, `dry_run` and no other key, not date",
        ),
        ({"partition_key": "all"}, "'all' is not a date"),
    ],
)
def test_a_run_that_cannot_be_meant_is_refused(facts: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        behaviour_day(context(**facts), NOW)


def test_a_run_during_the_day_is_about_today() -> None:
    """Whatever its interval is: an hour ago is not what users wait for."""
    hourly = interval(NOW - timedelta(hours=1), NOW)

    assert day_so_far(context(logical_date=NOW, **hourly), NOW) == date(2011, 12, 10)
    assert day_so_far(context(), NOW) == date(2011, 12, 10)
    assert day_so_far(context(params=FORM | {"day": "2011-12-09"}), NOW) == date(2011, 12, 9)
    with pytest.raises(BadSettings, match="has not begun"):
        day_so_far(context(params=FORM | {"day": "2011-12-11"}), NOW)


def test_today_is_a_day_of_utc() -> None:
    there = datetime(2011, 12, 10, 1, tzinfo=ZoneInfo("Asia/Tokyo"))

    assert day_so_far(context(), there) == date(2011, 12, 9)


def test_a_form_holds_its_fields_and_nothing_else() -> None:
    """Airflow hands on every key of the configuration."""
    handed = FORM | {"day": "2011-12-01", "color": "red"}

    assert form_of(context(params=handed)) == FORM | {"day": "2011-12-01"}
    assert day_of_form(context(params=handed)) == date(2011, 12, 1)
    with pytest.raises(BadSettings, match="no other key, not color"):
        form_of(context(params=handed, conf={"color": "red"}))


def test_a_dag_without_a_form_takes_nothing() -> None:
    bare = context(dag=SimpleNamespace(params={}), params={})

    assert form_of(bare) == {}
    with pytest.raises(BadSettings, match="takes nothing and no other key, not day"):
        form_of(bare | {"dag_run": SimpleNamespace(conf={"day": "2011-12-01"})})
