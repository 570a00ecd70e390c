"""The DAGs: rules that hold for each, and which day a run is about."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recsys_tasks.days import behaviour_day
from recsys_tasks.errors import BadSettings

DAGS = Path(__file__).parents[1] / "dags"
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
    from zoneinfo import ZoneInfo

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


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAGs by id, parsed as Airflow does; no database is needed for that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(DAGS)
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_a_dag_file_is_wiring(dags: dict[str, Any]) -> None:
    assert dags.keys() == {path.stem for path in DAGS.glob("*.py")}
    for path in DAGS.glob("*.py"):
        assert len(path.read_text().splitlines()) < 80, path.name


def test_parsing_a_dag_loads_nothing_heavy(tmp_path: Path) -> None:
    """The DAG processor does it every 30 seconds."""
    code = "\n".join((
        "import runpy, sys",
        *(f"runpy.run_path({str(path)!r})" for path in DAGS.glob("*.py")),
        "print({'torch', 'pandas', 'numpy', 'transformers'} & set(sys.modules))",
    ))

    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )

    assert done.stdout.splitlines()[-1] == "set()"


def test_every_dag_says_what_it_does(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        assert "**When a step fails.**" in dag.doc_md
        assert dag.tags == {"ebbtide"}


def test_every_dag_recovers_and_ends(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        assert dag.max_active_runs == 1
        assert dag.dagrun_timeout is not None
        for task in dag.tasks:
            assert task.retries >= 1
            assert task.execution_timeout is not None
            assert not task.depends_on_past  # a failed day would block every later one


def test_a_hopeless_error_is_not_tried_again(dags: dict[str, Any]) -> None:
    """Wrong settings stay wrong; a lost connection comes back."""
    from airflow.sdk import RetryAction

    from recsys_tasks.errors import DatabaseUnavailable

    policy = dags["nightly_recommendations"].get_task("rank").retry_policy
    hopeless, mendable = BadSettings(problem="x"), DatabaseUnavailable(reason="x")

    assert policy.evaluate(hopeless, 1, 3).action is RetryAction.FAIL
    assert policy.evaluate(mendable, 1, 3).action is RetryAction.DEFAULT


def test_the_nightly_tasks_are_the_steps_in_their_order(dags: dict[str, Any]) -> None:
    from recsys_tasks import nightly

    dag = dags["nightly_recommendations"]
    names = ["resolve_day", *nightly.STEPS]

    assert [task.task_id for task in dag.topological_sort()] == names
    for before, after in pairwise(names):
        assert after in dag.get_task(before).downstream_task_ids


def test_the_night_begins_at_midnight_and_misses_no_day(dags: dict[str, Any]) -> None:
    from airflow.sdk import CronDataIntervalTimetable

    dag = dags["nightly_recommendations"]

    assert dag.timetable == CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
    assert dag.catchup
    # A start that moves with the clock would make a new DAG version at each parse.
    assert dag.start_date.time() == datetime.min.time()
    assert dag.start_date < datetime.now(UTC) - ONE_DAY
    assert dag.params.get_param("day").schema == {
        "type": ["null", "string"],
        "format": "date",
        "title": "Behaviour day",
    }
