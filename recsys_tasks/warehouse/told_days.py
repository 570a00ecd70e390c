"""What was told of days with noise, in memory: what a training with noise reads of trends."""

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import day_number, rows_of
from recsys_tasks.noise import GRID, variance
from recsys_tasks.trends import ToldDays
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.session import Session

_COLUMNS: Final = (copying.INT4, copying.DAY, copying.FLOAT4)


def read_told_days(session: Session, item_keys: NDArray[np.int32], night: date) -> ToldDays:
    """What was told of all days until a night; counts without noise are left out.

    Args:
        session: Of the tenant.
        item_keys: By row of the item.
        night: The last day.
    """
    ever = {"night": night, "since": date.min}
    days, scales = session.columns("noise_of_days", **ever)
    told = np.array([day_number(day) for day in days], np.int32)
    keys, counted, masses = session.copy_out("trends_until", _COLUMNS, **ever)
    rows, is_known = rows_of(item_keys, keys)
    kept = is_known & np.isin(counted, told)
    order = np.argsort(counted[kept], kind="stable")
    variances = np.array([variance(scale * GRID) for scale in scales]) / GRID**2
    return ToldDays(
        counted[kept][order],
        rows[kept][order].astype(np.int32),
        masses[kept][order],
        told,
        variances,
    )
