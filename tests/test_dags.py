"""The DAGs: rules that hold for each, one set a tenant, and what parsing them may cost."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog

from recsys_tasks.errors import BadSettings, DatabaseUnavailable, NightRefused

DAGS = Path(__file__).parents[1] / "dags"
SHARED = {"ebbtide_forms", "ebbtide_wiring"}
NAMES = {path.stem for path in DAGS.glob("*.py")} - SHARED
LIMIT = 0.3  # seconds of processor time
Bag = dict[str, Any]


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


@pytest.fixture(scope="module")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Parses the DAGs as Airflow does, under some RECSYS_ variables; no database is needed."""
    home = tmp_path_factory.mktemp("airflow")

    def parsed(**variables: str) -> Any:  # noqa: ANN401  Airflow's bag of DAGs
        with pytest.MonkeyPatch.context() as patch, logging_kept():
            patch.setenv("AIRFLOW_HOME", str(home))
            patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
            for name, text in variables.items():
                patch.setenv(name, text)
            from airflow.dag_processing.dagbag import DagBag

            return DagBag(DAGS)

    return parsed


@pytest.fixture(scope="module")
def dags(parse: Callable[..., Any]) -> Bag:
    """The DAGs by id, where there are no tenants."""
    bag = parse()
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_a_dag_file_is_wiring(dags: Bag) -> None:
    assert dags.keys() == NAMES
    for name in NAMES:
        assert len((DAGS / f"{name}.py").read_text().splitlines()) < 80, name


PARSING = """
import sys, time
import pydantic, runpy
from airflow import sdk
from airflow.sdk.observability.stats import Stats
[getattr(sdk, name) for name in ("dag", "task", "Param", "Asset", "chain", "AsyncCallback",
 "DeadlineAlert", "CronDataIntervalTimetable", "CronTriggerTimetable", "ExceptionRetryPolicy")]
reached = []
sys.addaudithook(lambda event, _: reached.append(event) if event == "socket.connect" else None)
before, begun = set(sys.modules), time.process_time()
for path in sys.argv[1:]:
    runpy.run_path(path)
took = time.process_time() - begun
heavy = {"torch", "pandas", "numpy", "transformers", "scipy", "psycopg2", "lightgbm"}
print(took, sorted(heavy & (set(sys.modules) - before)), reached, sep="|")
"""


def run_python(code: str, *arguments: str, **variables: str) -> str:
    """The last line that a new process prints."""
    environment = os.environ | {"PYTHONPATH": f"{DAGS}", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment | variables
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def test_parsing_the_dags_is_cheap_and_asks_nobody(tmp_path: Path) -> None:
    """All files together, beyond Airflow's own import: the DAG processor does it every 30 seconds.

    By the processor's time, which other work on the machine does not stretch.
    """
    files = [str(DAGS / f"{name}.py") for name in sorted(NAMES)]
    took, heavy, reached = run_python(PARSING, *files, AIRFLOW_HOME=str(tmp_path)).split("|")

    assert (heavy, reached) == ("[]", "[]")
    assert float(took) < LIMIT


SERIALIZING = """
import json
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
dags = DagBag("dags").dags
print(json.dumps({name: DagSerialization.to_dict(dag) for name, dag in dags.items()},
    sort_keys=True, default=str))
"""


def test_parsing_twice_makes_no_new_version(tmp_path: Path) -> None:
    """Whatever differs between two processes would make a version of the DAG at each parse."""
    first, second = (
        run_python(SERIALIZING, AIRFLOW_HOME=str(tmp_path), PYTHONHASHSEED=seed) for seed in "12"
    )

    assert set(json.loads(first)) == NAMES
    assert first == second


def test_every_dag_says_what_it_does(dags: Bag) -> None:
    for dag in dags.values():
        assert "**What it does.**" in dag.doc_md
        assert "**When a step fails.**" in dag.doc_md
        assert dag.tags == {"ebbtide"}


def test_every_dag_recovers_and_ends(dags: Bag) -> None:
    for dag in dags.values():
        assert dag.max_active_runs == 1
        assert dag.dagrun_timeout is not None
        for task in dag.tasks:
            assert task.retries >= 1
            assert task.execution_timeout < dag.dagrun_timeout
            assert not task.depends_on_past  # a failed day would block every later one
            assert task.pool == "default_pool"  # one that is missing would leave tasks stuck


def test_every_failure_is_told(dags: Bag) -> None:
    for dag in dags.values():
        assert dag.has_on_failure_callback  # of a run that took too long
        for task in dag.tasks:
            assert task.has_on_failure_callback


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (BadSettings(problem="x"), False),
        (NightRefused(night="x", reasons="x"), False),
        (DatabaseUnavailable(reason="x"), True),
        (MemoryError(), True),
    ],
)
def test_what_trying_again_cannot_mend_fails_at_once(
    dags: Bag, error: Exception, *, again: bool
) -> None:
    """Wrong settings stay wrong; a lost connection comes back."""
    from airflow.sdk import RetryAction

    expected = RetryAction.DEFAULT if again else RetryAction.FAIL
    for dag in dags.values():
        for task in dag.tasks:
            assert task.retry_policy.evaluate(error, 1, 3).action is expected


def test_the_nightly_tasks_are_the_steps_in_their_order(dags: Bag) -> None:
    from recsys_tasks import nightly

    dag = dags["nightly_recommendations"]
    names = [task.task_id for task in dag.topological_sort()]

    assert [name for name in names if name in nightly.STEPS] == list(nightly.STEPS)
    assert set(names) - set(nightly.STEPS) == {"resolve_day", "plan_shards"}
    for before, after in pairwise(names):
        assert after in dag.get_task(before).downstream_task_ids


def test_shards_of_a_night_run_at_once_and_nights_do_not(dags: Bag) -> None:
    for task in dags["nightly_recommendations"].tasks:
        if task.task_id == "rank":
            assert task.is_mapped
            assert task.max_active_tis_per_dag is None
        else:
            assert task.max_active_tis_per_dag == 1


def test_the_night_begins_at_midnight_and_misses_no_day(dags: Bag) -> None:
    from airflow.sdk import CronDataIntervalTimetable

    dag = dags["nightly_recommendations"]

    assert dag.timetable == CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
    assert dag.catchup
    # A start that moves with the clock would make a new DAG version at each parse.
    assert dag.start_date.time() == datetime.min.time()
    assert dag.start_date < datetime.now(UTC)


def test_only_the_night_catches_up(dags: Bag) -> None:
    assert {name for name, dag in dags.items() if dag.catchup} == {"nightly_recommendations"}


def test_lists_are_due_on_the_day_after(parse: Callable[..., Any]) -> None:
    """At the time that the setting says, or at none."""
    due = {
        publish_by: parse(RECSYS_PUBLISH_BY=publish_by).dags["nightly_recommendations"].deadline
        for publish_by in ("06:00", "23:30", "never")
    }

    assert due["06:00"][0].interval == timedelta(days=1, hours=6)
    assert due["23:30"][0].interval == timedelta(days=1, hours=23, minutes=30)
    assert not due["never"]


def test_assets_join_the_dags(dags: Bag) -> None:
    night, training = (
        dags["nightly_recommendations"],
        dags["train_interest_model"].get_task("train"),
    )
    model = night.get_task("rank").partial_kwargs["inlets"]

    assert [asset.name for asset in night.get_task("publish").outlets] == ["ebbtide_lists"]
    assert training.inlets == night.get_task("publish").outlets
    assert training.outlets == model


@pytest.mark.parametrize("name", sorted(NAMES - {"erase_user"}))
def test_a_form_left_as_it_is_starts_a_run(dags: Bag, name: str) -> None:
    for field in dags[name].params:
        dags[name].params.get_param(field).resolve()


def test_every_field_says_what_it_is_for(dags: Bag) -> None:
    for dag in dags.values():
        for field in dag.params:
            schema = dag.params.get_param(field).schema
            assert schema["title"]
            assert schema["description_md"].endswith(".")


@pytest.mark.parametrize(
    ("name", "field", "wrong"),
    [
        ("nightly_recommendations", "day", "yesterday"),
        ("nightly_recommendations", "refresh_days", 0),
        ("nightly_recommendations", "variants", "all"),
        ("nightly_recommendations", "despite", "collapse"),
        ("nightly_recommendations", "dry_run", "yes"),
        ("refresh_today", "active_days", None),
        ("train_interest_model", "seed", -1),
        ("train_encoder", "name", "a/b"),
        ("train_encoder", "window", -1),
        ("train_encoder", "minutes", 0),
        ("erase_user", "user_id", ""),
        ("erase_user", "confirmation", None),
    ],
)
def test_a_form_refuses_what_cannot_be_meant(
    dags: Bag, name: str, field: str, wrong: object
) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dags[name].params.get_param(field).resolve(wrong)


def test_an_erasure_needs_a_user_and_a_confirmation(dags: Bag) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    for field in ("user_id", "confirmation"):
        with pytest.raises(ParamValidationError):
            dags["erase_user"].params.get_param(field).resolve()


def test_each_tenant_has_dags_and_assets_of_its_own(
    parse: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "acme.env").write_text(
        "RECSYS_PUBLISH_BY=04:30\nRECSYS_FIRST_DAY=2025-03-01\nRECSYS_GPU_POOL=gpus\n"
    )
    (tmp_path / "other-shop.env").write_text("RECSYS_POOL=big\n")
    bag = parse(RECSYS_TENANTS=str(tmp_path), RECSYS_PUBLISH_BY="never")
    tenants = ("acme", "other-shop")
    acme, other = (bag.dags[f"nightly_recommendations-{name}"] for name in tenants)

    assert bag.import_errors == {}
    assert bag.dags.keys() == {f"{name}-{tenant}" for name in NAMES for tenant in tenants}
    assert acme.deadline[0].interval == timedelta(days=1, hours=4, minutes=30)
    assert acme.deadline[0].callback.kwargs == {"tenant": "acme"}
    assert not other.deadline  # the environment says what tenants have in common
    assert acme.start_date == datetime(2025, 3, 1, tzinfo=UTC)
    assert other.get_task("rank").partial_kwargs["pool"] == "big"
    tuning = {name: bag.dags[f"train_encoder-{name}"].get_task("tune").pool for name in tenants}
    assert tuning == {"acme": "gpus", "other-shop": "big"}
    assert acme.tags == {"ebbtide", "acme"}
    assert acme.get_task("publish").outlets[0].name == "ebbtide_lists-acme"


def test_one_tenant_alone_can_be_named(parse: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("acme", "globex"):
        (tmp_path / f"{name}.env").touch()
    bag = parse(RECSYS_TENANTS=str(tmp_path), RECSYS_TENANT="globex")

    assert bag.dags.keys() == {f"{name}-globex" for name in NAMES}


def test_a_tenants_mistake_leaves_the_others_their_dags(
    parse: Callable[..., Any], tmp_path: Path
) -> None:
    """Its own first task then says what is wrong."""
    (tmp_path / "acme.env").touch()
    (tmp_path / "wrong.env").write_text("RECSYS_PUBLISH_BY=noon\nRECSYS_NONSENSE=1\n= =\n")
    bag = parse(RECSYS_TENANTS=str(tmp_path))

    assert bag.import_errors == {}
    assert len(bag.dags) == 2 * len(NAMES)


def test_a_folder_without_tenants_is_an_error_in_airflow(
    parse: Callable[..., Any], tmp_path: Path
) -> None:
    errors = parse(RECSYS_TENANTS=str(tmp_path)).import_errors

    assert {Path(file).stem for file in errors} >= NAMES
    for message in errors.values():
        assert "holds no file NAME.env" in message
