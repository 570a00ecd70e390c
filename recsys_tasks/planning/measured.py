"""Nights that were measured: where forecasts come from.

measured.json beside this file has a line a night, as `benchmarks/night.py --json` writes it, and
`python benchmarks/curves.py` makes it anew.
"""

import json
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from recsys_tasks.errors import BadSettings
from recsys_tasks.planning.calibrating import Speed
from recsys_tasks.planning.sizes import Sizes

MEASURED: Final = Path(__file__).with_name("measured.json")


class MeasuredNight(NamedTuple):
    """A night of known size.

    Attributes:
        sizes: Of its tenant.
        speed: Of the machine, then.
        seconds: By step.
        peak_gib: Most memory that the program and Postgres held at once.
        row_bytes: By table, indexes counted with it.
    """

    sizes: Sizes
    speed: Speed
    seconds: dict[str, float]
    peak_gib: float
    row_bytes: dict[str, float]


@cache
def measured_nights(file: Path = MEASURED) -> tuple[MeasuredNight, ...]:
    """The nights of a file.

    Raises:
        BadSettings: It is no such file.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
        return tuple(_night(json.loads(line)) for line in lines if line.strip())
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"{file} has no nights that benchmarks/night.py --json measured ({error!r})"
        raise BadSettings(problem=problem) from error


def _night(record: dict[str, dict[str, float]]) -> MeasuredNight:
    steps = record["steps"]
    return MeasuredNight(
        sizes=Sizes(**record["sizes"]),
        speed=Speed(**record["speed"]),
        seconds={step: facts["seconds"] for step, facts in steps.items()},  # type: ignore[index]
        peak_gib=float(record["peak_gib"]),  # type: ignore[arg-type]
        row_bytes=record["row_bytes"],
    )
