"""What to set or to buy for nights of a forecast."""

from collections.abc import Iterator
from math import ceil
from typing import Final

import psutil

from recsys_tasks.planning.disk import Disk
from recsys_tasks.planning.forecast import Forecast
from recsys_tasks.planning.sizes import Sizes
from recsys_tasks.settings import Settings

LONG: Final = 1_800  # seconds of a step from which on it is worth a setting
MEMORY_SHARE: Final = 0.7  # of the machine's memory that a night may take
GIB: Final = 2**30


def advice(
    settings: Settings, sizes: Sizes, told: Forecast, disk: Disk, machine_gib: float | None = None
) -> Iterator[str]:
    """Sentences, the weightiest first; one that all is well where there is nothing to say.

    Args:
        settings: Of the tenant.
        sizes: Of the night.
        told: What it will cost.
        disk: What it will take.
        machine_gib: Memory of the machine; None for this one's.
    """
    said = list(
        _needs(settings, sizes, told, disk, machine_gib or psutil.virtual_memory().total / GIB)
    )
    yield from said or ["Nothing to change: the night fits this machine."]


def _needs(
    settings: Settings, sizes: Sizes, told: Forecast, disk: Disk, machine_gib: float
) -> Iterator[str]:
    rank, cores = told.seconds["rank"], psutil.cpu_count() or 1
    by_memory = ceil(told.peak_gib / (MEMORY_SHARE * machine_gib))
    shards = max(ceil(rank / LONG), by_memory)
    if shards > (settings.shards or 1):
        where = "this machine" if shards <= cores and by_memory <= 1 else "Celery or Kubernetes"
        yield (
            f"RECSYS_SHARDS={shards}: rank takes {rank / 60:.0f} min and the night"
            f" {told.peak_gib:.1f} GiB in one piece; workers on {where}."
        )
    if told.product_seconds > LONG:
        yield (
            f"A GPU: {told.product_seconds / 60:.0f} min of rank are the product of users with"
            " items, which is what it speeds up."
        )
    if settings.refresh_days is None and sizes.ranked > 10 * max(sizes.active, 1) and rank > LONG:
        yield (
            f"RECSYS_REFRESH_DAYS: {sizes.ranked:,.0f} lists a night are for {sizes.active:,.0f}"
            " users who come on a day."
        )
    if disk.after > 2 * max(disk.standing, GIB):
        yield (
            f"Disk for {disk.after / GIB:.0f} GiB after {disk.nights} nights, or less with"
            " RECSYS_KEEP_NIGHTS and RECSYS_KEEP_EVENTS, which `ebbtide maintain` follows."
        )
