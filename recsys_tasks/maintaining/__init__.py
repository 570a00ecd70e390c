"""What keeps a schema small and right, safe beside a night, and at any time again.

Retention first, then totals are held against their deltas, then tables are vacuumed. Each part is
an exclusive transaction of its own, so that a night waits for no longer than one part takes. No
partition is made ahead: a night makes its own.
"""

from contextlib import closing
from datetime import UTC, datetime

import structlog

from recsys_tasks.erasing import erase_again
from recsys_tasks.maintaining.checking import check_totals
from recsys_tasks.maintaining.keeping import drop_old_lists, drop_old_rows
from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Warehouse, connect
from recsys_tasks.warehouse.vacuuming import vacuum

log = structlog.get_logger()


def maintain(settings: Settings) -> Counts:
    """Drop what need not be kept, mend totals that are not the fold of their deltas, vacuum.

    Returns:
        What was done. `totals_mended` should be 0: each one is logged by name.

    Raises:
        NightBusy: A night's step held the schema for longer than the settings wait.
        ErasureKeyMissing: Users were erased under a key that is not set.
    """
    with closing(connect(settings)) as warehouse:
        counts = _maintain(warehouse, settings, datetime.now(UTC))
    log.info("maintained", schema=settings.schema_name, **counts)
    return counts


def _maintain(warehouse: Warehouse, settings: Settings, now: datetime) -> dict[str, int]:
    with warehouse.transaction(exclusive=True) as session:
        counts = {"users_erased_again": erase_again(session, settings)}
    with warehouse.transaction(exclusive=True) as session:
        counts |= drop_old_rows(session, settings, now)
    with warehouse.transaction(exclusive=True) as session:
        counts |= drop_old_lists(session, settings, now)
    with warehouse.transaction(exclusive=True) as session:
        counts |= check_totals(session, seed=now.toordinal())
    return {**counts, "tables_vacuumed": vacuum(warehouse)}
