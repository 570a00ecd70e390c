"""Celery: a night in shards across two workers, of which one is killed in the middle."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from encoders import save_tiny

from recsys_tasks.standalone import Airflow, processes
from recsys_tasks.standalone.processes import Component

from .rest import Rest, wait_until
from .shop import airflow_of, free_port, shop
from .telling import ROWS, Row
from .tenants import TODAY, YESTERDAY, Tenants

pytestmark = pytest.mark.slow
DAG = "nightly_recommendations-sharded"
# Once a transaction: lists are made, and about to be written, when it sleeps.
SLOWLY = """
create function sharded.slowly() returns trigger language plpgsql as $$
begin
    if current_setting('slowly.slept', true) is distinct from pg_current_xact_id()::text then
        perform set_config('slowly.slept', pg_current_xact_id()::text, true);
        perform pg_sleep(15);
    end if;
    return null;
end;
$$;
create trigger slowly before insert on sharded.draft_lists
for each statement execute function sharded.slowly();
"""
ASLEEP = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"


@dataclass(frozen=True)
class Farm:
    """An Airflow whose tasks run on workers."""

    airflow: Airflow
    workers: list[Component]


@pytest.fixture(scope="module")
def tenants(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    """A tenant whose lists are made in two shards."""
    encoder = save_tiny(tmp_path_factory.mktemp("models") / "tiny")
    with shop(server, f"ebbtide_celery_{os.getpid()}") as dsn:
        found = Tenants(tmp_path_factory.mktemp("tenants"), dsn, str(encoder))
        found.add("sharded", TODAY, RECSYS_SHARDS="2")
        yield found


@pytest.fixture(scope="module")
def farm(tenants: Tenants, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Two workers that take one task at a time each."""
    if not shutil.which("redis-server"):
        pytest.skip("no Redis: apt-get install redis-server")
    with redis(tmp_path_factory.mktemp("redis")) as port:
        options = {
            ("core", "executor"): "CeleryExecutor",
            ("celery", "broker_url"): f"redis://127.0.0.1:{port}/0",
            ("celery", "result_backend"): f"redis://127.0.0.1:{port}/1",
            # How soon a killed worker's task is missed.
            ("scheduler", "task_instance_heartbeat_timeout"): "20",
            ("scheduler", "task_instance_heartbeat_timeout_detection_interval"): "5",
            ("scheduler", "task_instance_heartbeat_sec"): "3",
        }
        with airflow_of(tenants, options, {}) as airflow:
            workers = [start_worker(airflow, name) for name in ("one", "two")]
            try:
                yield Farm(airflow, workers)
            finally:
                processes.stop([workers])


@contextmanager
def redis(folder: Path) -> Iterator[int]:
    """A broker; its port."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            yield port
        finally:
            server.terminate()


def start_worker(airflow: Airflow, name: str) -> Component:
    arguments = ("celery", "worker", "--concurrency", "1", "--skip-serve-logs")
    log = airflow.place.home / "logs" / f"worker-{name}.log"
    named = ("--celery-hostname", f"{name}@localhost")
    return processes.start(f"worker {name}", (*arguments, *named), airflow.environment, log)


def test_a_night_in_shards_survives_the_death_of_a_worker(farm: Farm, tenants: Tenants) -> None:
    """Its shard is missed, and made by the other; the tables are those of one piece."""
    tenants.migrate("sharded")
    connection = psycopg2.connect(tenants.dsn)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(SLOWLY)
    rest = Rest(farm.airflow.place.url, "admin", farm.airflow.passwords["admin"])
    rest.wait_for_dag(DAG)
    run = rest.trigger(DAG)
    rest.switch_on(DAG)

    def n_asleep() -> int:
        cursor.execute(ASLEEP)
        (n,) = cursor.fetchone() or (0,)
        return int(n)

    wait_until(lambda: n_asleep() == 2)  # each worker has one: both shards at once
    processes.end({farm.workers[0].session})

    assert rest.wait_for_run(DAG, run) == "success"
    attempts = [task["try_number"] for task in rest.tasks(DAG, run) if task["task_id"] == "rank"]
    assert len(attempts) == 2
    assert max(attempts) > 1
    row = Row(
        "two Celery workers, one killed",
        [YESTERDAY],
        tenants.checksum("sharded"),
        tenants.plain([YESTERDAY]),
    )
    ROWS.append(row)
    assert row.tables == row.plain
    rest.close()
    connection.close()
