"""A folder in the source contract, in a warehouse that is gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from recsys_tasks.backtesting import read_everything
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse, connect
from recsys_tasks.warehouse.history import History

FORGET_WORDS = "update app.events set text = null where text is not null returning event_id"


@contextmanager
def loaded_folder(
    folder: Path, preset: str, *, items_only: bool = False
) -> Iterator[tuple[Warehouse, Settings]]:
    """A warehouse whose source has all of a folder; and its settings.

    Args:
        folder: In the source contract.
        preset: Gives the weights.
        items_only: Leave out what users wrote.
    """
    with TemporaryDirectory() as var:
        settings = read_settings(var=Path(var), preset=preset)
        warehouse = connect(settings)
        load_folder(warehouse, folder)
        if items_only:
            with warehouse.transaction() as session:
                session.select(FORGET_WORDS)
        yield warehouse, settings
        warehouse.close()


@contextmanager
def taken_folder(
    folder: Path, preset: str, *, items_only: bool = False
) -> Iterator[tuple[Warehouse, Settings, History]]:
    """The same, taken as a night takes it; and its history."""
    with loaded_folder(folder, preset, items_only=items_only) as (warehouse, settings):
        yield warehouse, settings, read_everything(warehouse, settings)
