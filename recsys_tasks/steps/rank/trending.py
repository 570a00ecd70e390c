"""How often items were taken of late, as of a night."""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.decay import retention
from recsys_tasks.interactions import date_of, day_number, rows_of
from recsys_tasks.noise import GRID, noise_in_sums, shrunk, variance
from recsys_tasks.warehouse import Session, copying

# A decayed count of so many half-lives ago is a millionth of itself. Fewer would show: logarithms
# are taken of counts that begin at 0.1, where float32 tells such parts apart.
TREND_MEMORY = 20


def read_trends(
    session: Session, half_lives: tuple[float, ...], item_keys: NDArray[np.int32], night: date
) -> NDArray[np.float32]:
    """Decayed counts of items, seen from the end of a night, shape (n_items, K).

    Where days were told with noise, counts are drawn to their mean as far as noise explains them.
    """
    since = max(day_number(night) - int(TREND_MEMORY * max(half_lives)), -1)
    columns = (copying.INT4, copying.DAY, copying.FLOAT4)
    keys, days, masses = session.copy_out(
        "trends_until", columns, night=night, since=date_of(since)
    )
    rows, listed = rows_of(item_keys, keys)
    aged = masses[:, None] * retention(day_number(night) - days, half_lives)
    counts = [
        np.bincount(rows[listed], aged[listed, k], minlength=len(item_keys))
        for k in range(aged.shape[1])
    ]
    sums: NDArray[np.float64] = np.stack(counts, axis=1).astype(np.float64)
    noised_days, scales = session.columns("noise_of_days", night=night, since=date_of(since))
    if noised_days:
        ages = day_number(night) - np.array([day_number(day) for day in noised_days])
        variances = np.array([variance(scale * GRID) for scale in scales]) / GRID**2
        sums = shrunk(sums, noise_in_sums(variances, ages, half_lives))
    return sums.astype(np.float32)
