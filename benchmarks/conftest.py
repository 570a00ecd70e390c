"""Fixtures: a server, a database for each module, and the table at the end of the run."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import make_dsn
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.measuring import Figure, Measure, table
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse, connect, embedded

FIGURES = pytest.StashKey[list[Figure]]()


def pytest_report_header() -> str:
    """Whether the figures can be trusted: on a busy machine they cannot."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The table that README.md holds."""
    if figures := config.stash.get(FIGURES, []):
        terminalreporter.section("times a thing, over ours")
        for line in table(figures):
            terminalreporter.write_line(line)


@pytest.fixture
def measure(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Measure:
    """Times one way of a contest."""
    return Measure(benchmark, request.config.stash.setdefault(FIGURES, []))


@pytest.fixture(scope="session")
def server() -> str:
    """A server's DSN: RECSYS_TEST_DSN, else the embedded one."""
    if given := os.environ.get("RECSYS_TEST_DSN"):
        return given
    home = Path(tempfile.mkdtemp(prefix="ebbtide-benchmarks-"))
    # The server stops with this process, and only then may its files go.
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return embedded.start(home / "postgres")


@pytest.fixture(scope="module")
def settings(server: str, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Default settings, and a database of the module's own."""
    database = f"ebbtide_{request.path.stem}_{os.getpid()}"
    _administer(server, f'create database "{database}"')
    try:
        yield read_settings(dsn=make_dsn(server, dbname=database))
    finally:
        _administer(server, f'drop database "{database}" with (force)')


@pytest.fixture(scope="module")
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    """A migrated, empty warehouse."""
    opened = connect(settings)
    yield opened
    opened.close()


def _administer(dsn: str, statement: str) -> None:
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()
