"""A small shop with a week behind it, and an Airflow that works for it."""

import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest
from psycopg2.extensions import make_dsn
from sources import add_events, add_items, create_source

from recsys_tasks.errors import AirflowFailed
from recsys_tasks.standalone import Airflow, Place, running
from recsys_tasks.warehouse import Warehouse

from .tenants import DAYS, Tenants

N_USERS, N_ITEMS = 6, 20
# What tasks import anyway: they are forks of the scheduler, and hundreds of them would do it apart.
PRELOADED = """
import sys

if "scheduler" in sys.argv:
    import sentence_transformers
    import recsys_tasks.nightly
"""


@contextmanager
def shop(server: str, name: str) -> Iterator[str]:
    """The DSN of a database in which everybody buys something every day, until yesterday."""
    connection = psycopg2.connect(server)
    connection.autocommit = True
    connection.cursor().execute(f'create database "{name}"')
    dsn = str(make_dsn(server, dbname=name))
    warehouse = Warehouse(dsn, "recsys")
    warehouse.migrate()
    create_source(warehouse)
    add_items(warehouse, *({"item_id": f"i{n:02}"} for n in range(N_ITEMS)))
    add_events(
        warehouse,
        *(
            {"user_id": f"u{user}", "item_id": f"i{(3 * user + 7 * n) % N_ITEMS:02}", "day": day}
            for n, day in enumerate(DAYS)
            for user in range(N_USERS)
        ),
    )
    warehouse.close()
    yield dsn
    connection.cursor().execute(f'drop database "{name}" with (force)')
    connection.close()


@contextmanager
def airflow_of(
    tenants: Tenants,
    options: Mapping[tuple[str, str], str],
    variables: Mapping[str, str],
) -> Iterator[Airflow]:
    """An Airflow with the DAGs of every tenant, gone without a trace afterwards.

    Args:
        tenants: Whose DAGs.
        options: Airflow's.
        variables: Of every process.
    """
    # Not under pytest's folder, which is closed to the user that Postgres runs as.
    home = Path(tempfile.mkdtemp(prefix="ebbtide-airflow-"))
    place = Place(
        home=home,
        port=free_port(),
        parallelism=2,
        variables={
            "RECSYS_DSN": tenants.dsn,
            "RECSYS_DEVICE": "cpu",
            "RECSYS_ENCODER": tenants.encoder,
            "RECSYS_LIST_LENGTH": "5",
            "RECSYS_PUBLISH_BY": "never",
            "RECSYS_TENANTS": str(tenants.folder),
            "OMP_NUM_THREADS": "1",
            **variables,
        },
        options=options,
    )
    (home / "config").mkdir()
    (home / "config" / "airflow_local_settings.py").write_text(PRELOADED)
    try:
        with running(place) as ready:
            yield ready
            family = family_of(ready)
        assert len(family) > len(ready.components)
        assert [process for process in family if is_alive(process)] == []
    except AirflowFailed as error:
        said = Path(str(error.facts["log"])).read_text()
        pytest.fail(f"{error}\n{said[-3000:]}")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def family_of(airflow: Airflow) -> list[psutil.Process]:
    """Everything that works for an Airflow; found by descent, not by our records."""
    heads = [psutil.Process(component.process.pid) for component in airflow.components]
    return [*heads, *(child for head in heads for child in head.children(recursive=True))]


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
