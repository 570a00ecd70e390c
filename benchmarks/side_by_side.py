"""A night's ranking and merging beside the ways that others have, on the night's own data."""

from datetime import date

from benchmarks.measuring import Figure
from benchmarks.merging_beside import merging
from benchmarks.ranking_beside import ranking
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.models import live_models


def side_by_side(warehouse: Warehouse, settings: Settings, night: date) -> list[Figure]:
    """The figures of both contests. What is written for it is taken back."""
    with warehouse.transaction() as session:
        (live,) = live_models(session, both_stages=False)
        found = [*ranking(session, settings, live, night), *merging(session, live, night)]
        session.connection.rollback()
    return found
