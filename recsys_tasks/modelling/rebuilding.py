"""The interests of a model that does not serve, made beside those of the one that does."""

from collections.abc import Callable

from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps.accumulate import bring_deltas
from recsys_tasks.steps.merge import bring_totals
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.models import LiveModel

CHUNKS = 10  # of work in a transaction: nights wait for no longer than that takes


def rebuild(warehouse: Warehouse, settings: Settings, live: LiveModel) -> None:
    """Make the deltas and totals of a model, of every day that was taken.

    In transactions of bounded size, between which nights may run; one that is cut off goes on from
    where it was.
    """
    preset = preset_of(settings)
    _until_done(warehouse, lambda session: bring_deltas(session, preset, live, CHUNKS)[0])
    _until_done(warehouse, lambda session: bring_totals(session, live, CHUNKS)[0])


def catch_up(session: Session, settings: Settings, live: LiveModel) -> None:
    """The same for what came since, in the transaction that lets the model serve."""
    bring_deltas(session, preset_of(settings), live)
    bring_totals(session, live)


def _until_done(warehouse: Warehouse, work: Callable[[Session], int]) -> None:
    """Repeat until there was nothing left to do."""
    n = 1
    while n:
        with warehouse.transaction(exclusive=True) as session:
            n = work(session)
