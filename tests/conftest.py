"""Fixtures: a real Postgres with pgvector, and a migrated database for each test."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import hypothesis
import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse, connect, embedded

# A busy machine, or the first import of torch, is no failure: an example may take its time.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.register_profile("many", deadline=None, max_examples=800)
hypothesis.settings.register_profile("long", deadline=None, max_examples=3000)
hypothesis.settings.load_profile("unhurried")

DATA = Path(__file__).parents[2] / "shared" / "data"
_databases = count()


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of tests/faults is tried: a sample, eight times as much, or all of it in hours."""
    parser.addoption("--faults", choices=("some", "many", "all"), default="some")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's RECSYS_ variables do not reach the tests."""
    for name in list(os.environ):
        if name.startswith("RECSYS_") and name != "RECSYS_TEST_DSN":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A server's DSN: RECSYS_TEST_DSN, else the embedded one."""
    if given := os.environ.get("RECSYS_TEST_DSN"):
        yield given
        return
    # Not under pytest's folder: another session closes that to the user that Postgres runs as.
    home = Path(tempfile.mkdtemp(prefix="ebbtide-tests-"))
    # The server stops with this process, and only then may its files go: last in, first out.
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    own = embedded.start(home / "postgres")
    # Copies of databases would fill a large log, and the disk of who runs the tests.
    _administer(own, "alter system reset all")
    # Nothing here has to outlive a crash, and every test copies a database.
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _administer(own, f"alter system set {setting} = off")
    _administer(own, "select pg_reload_conf()")
    yield own


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """The name of a database in which the schema recsys is migrated and empty."""
    with _database(server) as name:
        migrated = Warehouse(_with_database(server, name), "recsys")
        migrated.migrate()
        migrated.close()
        yield name


@pytest.fixture
def dsn(server: str, template: str) -> Iterator[str]:
    """A database of the test's own, migrated: to copy one costs less than to migrate it."""
    with _database(server, template) as name:
        yield _with_database(server, name)


@pytest.fixture
def empty_dsn(server: str) -> Iterator[str]:
    """A database of the test's own with nothing in it."""
    with _database(server) as name:
        yield _with_database(server, name)


@pytest.fixture
def settings(dsn: str) -> Settings:
    """Settings of the test's own database."""
    return read_settings(dsn=dsn)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    """A migrated, empty warehouse."""
    opened = connect(settings)
    yield opened
    opened.close()


@pytest.fixture
def shared_data() -> Path:
    """The real data sets, where this checkout has them beside it."""
    if not DATA.is_dir():
        pytest.skip(f"the data sets of {DATA.name} are not beside this checkout")
    return DATA


@contextmanager
def _database(server: str, template: str = "template1") -> Iterator[str]:
    """The name of a database that is gone afterwards."""
    name = f"ebbtide_test_{os.getpid()}_{next(_databases)}"
    _administer(server, f'create database "{name}" template "{template}" strategy file_copy')
    try:
        yield name
    finally:
        _administer(server, f'drop database "{name}" with (force)')


def _administer(server: str, statement: str) -> None:
    connection = psycopg2.connect(server)
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


def _with_database(server: str, name: str) -> str:
    return str(make_dsn(server, dbname=name))
