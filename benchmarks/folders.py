"""A folder in the source contract, taken as a night takes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from recsys_tasks.backtesting import read_everything
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse, connect
from recsys_tasks.warehouse.history import History


@contextmanager
def taken_folder(folder: Path, preset: str) -> Iterator[tuple[Warehouse, Settings, History]]:
    """A warehouse with all of a folder in it, which is gone afterwards; settings, and history."""
    with TemporaryDirectory() as var:
        settings = read_settings(var=Path(var), preset=preset)
        warehouse = connect(settings)
        load_folder(warehouse, folder)
        yield warehouse, settings, read_everything(warehouse, settings)
        warehouse.close()
