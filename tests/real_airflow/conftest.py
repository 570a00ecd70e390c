"""Fixtures: one whole Airflow for all the ways to start a run, on a small shop."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from encoders import save_tiny
from test_alerting import listening

from recsys_tasks.standalone import Airflow

from .collecting import Collector, collecting
from .rest import Rest
from .shop import airflow_of, shop
from .telling import ROWS, as_table
from .tenants import TODAY, YESTERDAY, Tenants

collect_ignore = ["dags"]  # Airflow reads them; to import one sets up Airflow in this process
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
BUNDLES = json.dumps([
    {"name": "dags-folder", "classpath": LOCAL, "kwargs": {}},
    {
        "name": "downstream",
        "classpath": LOCAL,
        "kwargs": {"path": str(Path(__file__).parent / "dags")},
    },
])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table that the tests filled: docs copy it."""
    if ROWS:
        terminalreporter.section("ways to start a run")
        for line in as_table(ROWS):
            terminalreporter.write_line(line)


@pytest.fixture(scope="package")
def webhook() -> Iterator[str]:
    """The address of a webhook; Post.bodies is what it got."""
    with listening() as address:
        yield address


@pytest.fixture(scope="package")
def tenants(
    server: str, webhook: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tenants]:
    """A tenant for each story: none disturbs another, and their runs go side by side."""
    encoder = save_tiny(tmp_path_factory.mktemp("models") / "tiny")
    broken, missing = (tmp_path_factory.mktemp("sources") / name for name in ("broken", "missing"))
    with shop(server, f"ebbtide_airflow_{os.getpid()}") as dsn:
        found = Tenants(tmp_path_factory.mktemp("tenants"), dsn, str(encoder))
        for name in ("asked", "asset"):
            found.add(name, TODAY)  # nothing is scheduled before tonight
        found.add("late", YESTERDAY - timedelta(days=2))
        found.add("broken", YESTERDAY - timedelta(days=1), RECSYS_SOURCE=str(broken))
        found.add(
            "tardy",
            YESTERDAY,
            RECSYS_SOURCE=str(missing),
            RECSYS_PUBLISH_BY="00:01",
            RECSYS_ALERT_WEBHOOK=webhook,
        )
        yield found


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    """Who takes Airflow's metrics."""
    with collecting() as ready:
        yield ready


@pytest.fixture(scope="package")
def airflow(tenants: Tenants, collector: Collector) -> Iterator[Airflow]:
    """An Airflow as `make airflow` starts it, with metrics on."""
    bundles = {("dag_processor", "dag_bundle_config_list"): BUNDLES}
    with airflow_of(tenants, bundles, collector.variables) as ready:
        yield ready


@pytest.fixture(scope="package")
def rest(airflow: Airflow) -> Iterator[Rest]:
    """The API, as an admin."""
    session = Rest(airflow.place.url, "admin", airflow.passwords["admin"])
    yield session
    session.close()
