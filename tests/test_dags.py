"""The DAGs: rules that hold for each, and real nights through Airflow."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog

from recsys_tasks.errors import BadSettings
from recsys_tasks.warehouse import Warehouse

DAGS = Path(__file__).parents[1] / "dags"


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAGs by id, parsed as Airflow does; no database is needed for that."""
    with pytest.MonkeyPatch.context() as patch, logging_kept():
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(DAGS)
    assert bag.import_errors == {}
    return dict(bag.dags)


@contextmanager
def logging_kept() -> Iterator[None]:
    """Importing Airflow sets up logging for the whole process; other tests have theirs."""
    handlers, level, configuration = (
        logging.root.handlers[:],
        logging.root.level,
        structlog.get_config(),
    )
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.configure(**configuration)


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
    assert dag.start_date < datetime.now(UTC)
    assert dag.params.get_param("day").schema == {
        "type": ["null", "string"],
        "format": "date",
        "title": "Behaviour day",
    }


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a migrated metadata database."""
    home = tmp_path_factory.mktemp("airflow_home")
    assert airflow(home, "db", "migrate").returncode == 0
    return home


def airflow(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run an airflow command, as a user does in a terminal."""
    environment = (
        os.environ
        | variables
        | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(DAGS.parent),
        }
    )
    command = [sys.executable, "-m", "airflow", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


ITEMS = {
    "rose": "Red garden rose in a clay pot",
    "fern": "Green fern for a shady garden bed",
    "tulip": "Tulip bulbs for spring flowers",
    "hammer": "Steel claw hammer",
    "drill": "Cordless power drill with steel bits",
    "saw": "Hand saw for timber and boards",
}


KINDS = {"gardener": ("rose", "fern", "tulip"), "builder": ("hammer", "drill", "saw")}


def write_shop(folder: Path) -> None:
    """Gardeners and builders; each bought all of their kind but one, over two days."""
    folder.mkdir()
    items = [f"{item},{title}" for item, title in ITEMS.items()]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items, ""]))
    events = [
        f"{kind}{user}{item},{kind}-{user},{item},purchase,2011-12-0{1 + (user + row) % 2}T12:00Z"
        for kind, wares in KINDS.items()
        for user in range(6)
        for row, item in enumerate(wares)
        if row != user % 3
    ]
    header = "event_id,user_id,item_id,event_type,occurred_at"
    (folder / "events.csv").write_text("\n".join([header, *events, ""]))


@pytest.mark.slow
def test_airflow_runs_a_night_from_events_to_lists(
    tmp_path: Path, airflow_home: Path, dsn: str, warehouse: Warehouse
) -> None:
    """What each user has not bought of their kind is what they are shown first."""
    from recsys_tasks.loading import load_folder
    from recsys_tasks.nightly import STEPS

    write_shop(tmp_path / "shop")
    load_folder(warehouse, tmp_path / "shop")

    arguments = ("dags", "test", "nightly_recommendations", "--conf", '{"day": "2011-12-02"}')
    done = airflow(airflow_home, *arguments, RECSYS_DSN=dsn)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    with warehouse.transaction() as session:
        steps = session.select(
            "select step from nights where day = '2011-12-02' and state = 'done'"
        )
        lists = session.select("select user_id, item_id from recommendations where rank = 1")
        stranger = session.rows("recommendations_of", user_id="nobody", n=3)
    assert {step for (step,) in steps} == set(STEPS)
    assert dict(lists) == {
        f"{kind}-{user}": wares[user % 3] for kind, wares in KINDS.items() for user in range(6)
    }
    assert len(stranger) == 3


@pytest.mark.slow
def test_airflow_refuses_a_run_for_a_day_to_come(airflow_home: Path) -> None:
    arguments = ("dags", "test", "nightly_recommendations", "--conf", '{"day": "9999-01-01"}')

    done = airflow(airflow_home, *arguments)

    assert done.returncode != 0
    assert "Day 9999-01-01 has not begun" in done.stdout + done.stderr
