"""Which day a run is about: every way in which Airflow can start one."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recsys_tasks.days import behaviour_day
from recsys_tasks.errors import BadSettings

NOW = datetime(2011, 12, 10, 9, 30, tzinfo=UTC)
DAY = datetime(2011, 12, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


def context(**facts: object) -> dict[str, object]:
    """A task's context as Airflow builds it: what a kind of run does not have is missing."""
    run = {"conf": facts.pop("conf", {}), "run_after": facts.pop("run_after", NOW)}
    return {
        "params": {"day": None},
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
            {"params": {"day": "2011-11-05"}, "logical_date": DAY, **interval(DAY - ONE_DAY, DAY)},
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
        ({"params": {"day": "2011-12-11"}}, "2011-12-11 has not begun"),
        ({"params": {"day": "yesterday"}}, "'yesterday' is not a date"),
        (
            {"conf": {"day": "2011-12-01", "date": "2011-12-01"}},
            "takes `day` and nothing else, not date",
        ),
    ],
)
def test_a_run_that_cannot_be_meant_is_refused(facts: dict[str, Any], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        behaviour_day(context(**facts), NOW)
