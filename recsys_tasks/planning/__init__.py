"""What a night will cost: seconds by step, memory and disk, before it runs."""

from recsys_tasks.planning.advice import advice
from recsys_tasks.planning.calibrating import Speed, measure_speed
from recsys_tasks.planning.disk import Disk, plan_disk, row_bytes
from recsys_tasks.planning.forecast import Forecast, Ledger, forecast, read_ledger
from recsys_tasks.planning.measured import MEASURED, MeasuredNight, measured_nights
from recsys_tasks.planning.sizes import Sizes, read_sizes

__all__ = [
    "MEASURED",
    "Disk",
    "Forecast",
    "Ledger",
    "MeasuredNight",
    "Sizes",
    "Speed",
    "advice",
    "forecast",
    "measure_speed",
    "measured_nights",
    "plan_disk",
    "read_ledger",
    "read_sizes",
    "row_bytes",
]
