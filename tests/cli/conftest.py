"""Fixtures: the command, and a shop for it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from encoders import save_tiny

from recsys_tasks.cli import main
from recsys_tasks.cli.output import ERRORS
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse

from .shop import Answer, Ebbtide, open_shop


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def settings(dsn: str, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As an operator has them: in the environment."""
    monkeypatch.setenv("RECSYS_DSN", dsn)
    monkeypatch.setenv("RECSYS_ENCODER", str(tiny_folder))
    monkeypatch.setenv("RECSYS_DEVICE", "cpu")
    return read_settings()


@pytest.fixture
def ebbtide(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Ebbtide]:
    """The command, in this process."""
    del settings

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["ebbtide", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Answer(end.value.code, *capsys.readouterr())

    yield run
    structlog.reset_defaults()
    ERRORS.show_tracebacks = False


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    open_shop(warehouse)
    return warehouse
