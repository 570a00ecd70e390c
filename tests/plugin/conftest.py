"""Fixtures: a filled database, and the pages over it."""

import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
import structlog
from conftest import _database, _with_database
from encoders import save_tiny
from starlette.testclient import TestClient

from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import connect

from .filling import VARIANTS, fill

Open = Callable[..., TestClient]  # of the DSN, whether runs may be started, RECSYS_ variables


@pytest.fixture(scope="session")
def filled(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings of a database that holds nights of a shop; tests only read it."""
    encoder = save_tiny(tmp_path_factory.mktemp("models") / "tiny")
    with _database(server, template) as name:
        settings = read_settings(
            dsn=_with_database(server, name),
            encoder=str(encoder),
            device="cpu",
            list_length=6,
            variants=VARIANTS,
        )
        warehouse = connect(settings)
        fill(warehouse, settings)
        warehouse.close()
        yield settings


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for what is imported of Airflow; logging stays the tests' own."""
    home = tmp_path_factory.mktemp("airflow")
    handlers, level = logging.root.handlers[:], logging.root.level
    configuration = structlog.get_config()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        import_module("ebbtide_pages.app")
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.configure(**configuration)
        yield home


@pytest.fixture
def open_pages(airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """The pages by themselves, over a database, for somebody who is logged in."""
    del airflow_home
    from airflow.api_fastapi.core_api.security import get_user

    from ebbtide_pages import app, guarding, tenants

    clients: list[TestClient] = []

    def open_(dsn: str | None, *, may_start: bool = True, **variables: str) -> TestClient:
        for name, value in {"RECSYS_DSN": dsn or "", **variables}.items():
            monkeypatch.setenv(name, value)
        tenants.forget()
        monkeypatch.setattr(app, "may_start", lambda _user, _dag: may_start)
        made = app.make_app()
        made.dependency_overrides[guarding.MAY_LOOK.dependency] = lambda: None
        made.dependency_overrides[get_user] = lambda: "somebody"
        headers = {"accept": "text/html"}
        client = TestClient(made, raise_server_exceptions=False, headers=headers)
        clients.append(client)
        return client

    yield open_
    tenants.forget()
    for client in clients:
        client.close()


@pytest.fixture
def pages(open_pages: Open, filled: Settings) -> TestClient:
    """The pages over the filled database."""
    return open_pages(filled.dsn)
