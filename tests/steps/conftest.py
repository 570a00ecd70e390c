"""Fixtures: a tenant with an empty source and a tiny encoder."""

from pathlib import Path

import pytest
from encoders import save_tiny
from sources import create_source

from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse

from .loose import open_loose
from .made_days import made_events, made_items
from .tenant import Tenant


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def settings(dsn: str, tiny_folder: Path) -> Settings:
    return read_settings(dsn=dsn, encoder=str(tiny_folder), device="cpu")


@pytest.fixture
def tenant(warehouse: Warehouse, settings: Settings) -> Tenant:
    create_source(warehouse)
    return Tenant(warehouse, settings)


@pytest.fixture
def loose(tenant: Tenant, tmp_path: Path) -> Tenant:
    """A tenant whose source guards nothing."""
    return open_loose(tenant, tmp_path)


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """A week of behaviour of a dozen users, of which no night has run."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    return tenant
