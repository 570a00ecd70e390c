"""Fixtures: a tenant, and a social place in which every table has something of somebody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import _database, _with_database
from encoders import save_tiny_decoder
from sources import create_source
from steps.conftest import filled, settings, tenant, tiny_folder
from steps.tenant import Tenant

from recsys_tasks import nightly
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import connect

from .place import fill_place

__all__ = ["filled", "settings", "tenant", "tiny_folder"]  # fixtures


@pytest.fixture(scope="session")
def filled_template(
    server: str, template: str, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Settings]]:
    """The name of a database with the place in it, and the place's settings: made once."""
    decoder = save_tiny_decoder(tmp_path_factory.mktemp("models") / "decoder")
    with _database(server, template) as name, pytest.MonkeyPatch.context() as environment:
        environment.delenv("RECSYS_DSN", raising=False)
        settings = read_settings(
            dsn=_with_database(server, name),
            encoder=str(tiny_folder),
            device="cpu",
            language={"model": str(decoder), "events": 50},
        )
        warehouse = connect(settings)
        create_source(warehouse)
        changed = fill_place(Tenant(warehouse, settings)).settings
        warehouse.close()
        # A database that somebody is connected to cannot be copied.
        nightly._warehouse(changed).close()
        yield name, changed


@pytest.fixture
def place(server: str, filled_template: tuple[str, Settings]) -> Iterator[Tenant]:
    """A social place after some nights, with a draft and rejected rows."""
    template, settings = filled_template
    with _database(server, template) as name:
        own = settings.model_copy(update={"dsn": _with_database(server, name)})
        warehouse = connect(own)
        yield Tenant(warehouse, own)
        warehouse.close()
