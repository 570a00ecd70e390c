"""Every way to start a run, under the real scheduler: the right day, and the same tables.

The stories begin together and go side by side; each test waits for its own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import yaml
from test_alerting import Post

from recsys_tasks import nightly
from recsys_tasks.standalone import Airflow
from recsys_tasks.standalone.place import CHECKOUT

from .collecting import Collector
from .rest import Rest, wait_until
from .starting import backfill, clear_failed, click, command, materialize
from .telling import ROWS, Row
from .tenants import DAYS, YESTERDAY, Tenants

pytestmark = pytest.mark.slow
NIGHTLY = "nightly_recommendations-{}"


@dataclass(frozen=True)
class Asked:
    """Runs that somebody asked for by hand, by the way in which."""

    runs: dict[str, str]


@pytest.fixture(scope="module")
def asked(airflow: Airflow, rest: Rest, tenants: Tenants) -> Asked:
    """All stories begin, and runs asked for by hand wait in line."""
    nightly.run_night(tenants.settings("late"), DAYS[1])
    for tenant in ("tardy", "late", "broken", "asked", "asset"):
        rest.wait_for_dag(NIGHTLY.format(tenant))
    dag = NIGHTLY.format("asked")
    runs = {
        "trigger form with a day": click(rest, dag, day=str(DAYS[2])),
        "trigger form, a day that was done": click(rest, dag, day=str(DAYS[2])),
        "trigger form without a day": click(rest, dag),
        "REST, logical_date null": rest.trigger(dag),
        "asset: materialize": materialize(rest, "ebbtide_lists-asset"),
    }
    for tenant in ("tardy", "broken", "late", "asset"):
        rest.switch_on(NIGHTLY.format(tenant))
    rest.switch_on("downstream")
    command(airflow, "dags", "trigger", dag, "--run-id", "terminal")
    rest.switch_on(dag)
    return Asked({**runs, "CLI: airflow dags trigger": "terminal"})


def assert_as_plain(tenants: Tenants, tenant: str, way: str, days: Iterable[date]) -> None:
    """The tables are those of the same nights in order; remembered for the printed table."""
    effect = list(days)
    row = Row(way, effect, tenants.checksum(tenant), tenants.plain(tenants.nights(tenant)))
    ROWS.append(row)
    assert row.tables == row.plain


def test_a_failed_day_holds_up_no_later_one_and_is_made_up_for(
    asked: Asked, rest: Rest, tenants: Tenants
) -> None:
    """Its source is missing; when it is there again, the failed task is cleared."""
    del asked
    dag = NIGHTLY.format("broken")
    failed = wait_until(lambda: [r["dag_run_id"] for r in rest.runs(dag) if r["state"] == "failed"])
    shutil.copytree(CHECKOUT / "sql/source/app", source_of(tenants, "broken"))

    states = rest.wait_for_runs(dag, 2)

    assert states == ["failed", "success"]
    assert tenants.nights("broken") == [YESTERDAY]
    assert_as_plain(tenants, "broken", "schedule, after a day that failed", [YESTERDAY])
    clear_failed(rest, dag, failed[0])
    rest.wait_for_runs(dag, 2)
    assert tenants.nights("broken") == [YESTERDAY, DAYS[-2]]
    assert_as_plain(tenants, "broken", "clear of the failed task", [DAYS[-2]])


def source_of(tenants: Tenants, tenant: str) -> Path:
    line = (tenants.folder / f"{tenant}.env").read_text().split("RECSYS_SOURCE=")[1]
    return Path(line.strip())


def test_days_that_the_scheduler_missed_are_caught_up_with_in_order(
    asked: Asked, rest: Rest, tenants: Tenants
) -> None:
    """It was down for three days; the night before them had run."""
    del asked
    missed = list(DAYS[2:])

    assert rest.wait_for_runs(NIGHTLY.format("late"), 3) == ["success"] * 3

    assert tenants.nights("late") == [DAYS[1], *missed]
    assert_as_plain(tenants, "late", "catch-up after three days down", missed)


def test_a_backfill_of_days_that_were_done_leaves_the_same_tables(
    rest: Rest, tenants: Tenants
) -> None:
    """All three again, ten at once."""
    before = tenants.checksum("late")

    backfill(rest, NIGHTLY.format("late"), DAYS[2], YESTERDAY)

    again = [day for day in tenants.nights("late") if day != DAYS[1]]
    assert sorted(again) == list(DAYS[2:])
    assert tenants.checksum("late") == before
    assert_as_plain(tenants, "late", "backfill, all runs again, ten at once", again)


@pytest.mark.parametrize(
    ("way", "day"),
    [
        ("trigger form with a day", DAYS[2]),
        ("trigger form, a day that was done", DAYS[2]),
        ("trigger form without a day", YESTERDAY),
        ("REST, logical_date null", YESTERDAY),
        ("CLI: airflow dags trigger", YESTERDAY),
    ],
)
def test_a_run_that_is_asked_for_takes_the_day_that_is_meant(
    asked: Asked, rest: Rest, tenants: Tenants, way: str, day: date
) -> None:
    dag = NIGHTLY.format("asked")

    assert rest.wait_for_run(dag, asked.runs[way]) == "success"

    assert rest.result(dag, asked.runs[way], "resolve_day") == str(day)
    assert_as_plain(tenants, "asked", way, [day])


def test_an_asset_starts_the_night_that_makes_it_and_who_waits_for_it(
    asked: Asked, rest: Rest, tenants: Tenants
) -> None:
    dag, run = NIGHTLY.format("asset"), asked.runs["asset: materialize"]

    assert rest.wait_for_run(dag, run) == "success"

    assert rest.result(dag, run, "resolve_day") == str(YESTERDAY)
    assert_as_plain(tenants, "asset", "asset: materialize", [YESTERDAY])
    assert rest.wait_for_runs("downstream", 1) == ["success"]
    (told,) = rest.runs("downstream")
    assert told["partition_key"] == str(YESTERDAY)
    assert rest.result("downstream", told["dag_run_id"], "told") == str(YESTERDAY)


def test_that_lists_are_late_is_told_by_the_triggerer(asked: Asked) -> None:
    """Its source is missing, so that its run fails, and the time of its lists has passed."""
    del asked

    def told() -> list[dict[str, str]]:
        bodies = [body for body in Post.bodies if isinstance(body, dict)]
        return [body for body in bodies if body["title"].endswith("are late")]

    (alert,) = wait_until(told)

    assert alert["title"] == f"Ebbtide: the lists of night {YESTERDAY} are late"
    assert "not published at 00:01 UTC" in alert["happened"]
    assert (alert["tenant"], alert["day"]) == ("tardy", str(YESTERDAY))


def test_figures_of_a_night_reach_a_collector(asked: Asked, collector: Collector) -> None:
    """Airflow's own beside those of the steps."""
    del asked
    wanted = {"airflow.ebbtide.extract.interactions", "airflow.ti.finish"}

    wait_until(lambda: wanted <= collector.names, seconds=30)


@pytest.mark.parametrize("part", ["metadatabase", "scheduler", "dag_processor", "triggerer"])
def test_the_containers_health_check_reads_what_airflow_answers(
    airflow: Airflow, part: str
) -> None:
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text("utf-8"))
    *_, script = compose["x-health"]["test"]
    here = script.replace("http://api-server:8080", airflow.place.url)

    done = subprocess.run(
        [sys.executable, "-c", here], env=os.environ | {"HEALTH_OF": part}, check=False
    )

    assert here != script
    assert done.returncode == 0
