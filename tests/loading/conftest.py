"""Fixtures: a folder to load."""

from pathlib import Path

import pytest

from recsys_tasks.warehouse import Warehouse

from .shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path, warehouse: Warehouse) -> Shelf:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shelf(folder, warehouse)
