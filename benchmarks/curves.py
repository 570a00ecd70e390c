"""Measured nights for `ebbtide plan`: one command makes its coefficients anew.

    python benchmarks/curves.py

runs night.py in several sizes, each in a process of its own, and writes their records to
recsys_tasks/planning/measured.json, a line a night. `--smaller` is for busy machines; `--into`
names another file, which `ebbtide plan --measured FILE` reads. In the end it tells how near
forecasts come: each night is forecast from the others (`--held-out`: that alone).
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console

from recsys_tasks.planning import MEASURED, Ledger, MeasuredNight, forecast, measured_nights

CONSOLE: Final = Console()


class Place(NamedTuple):
    """A world of night.py.

    Attributes:
        users: All that there are.
        items: Of the catalogue.
        active: Share of the users who come on a day.
        everybody: Whether a night makes lists for all of them.
    """

    users: int
    items: int
    active: float
    everybody: bool


# Users, items, and what a day brings vary apart from each other, so that each can be told.
PLACES: Final = (
    Place(10_000, 2_000, 0.1, everybody=False),
    Place(40_000, 4_000, 0.1, everybody=False),
    Place(40_000, 16_000, 0.05, everybody=True),
    Place(100_000, 8_000, 0.1, everybody=False),
    Place(100_000, 20_000, 0.1, everybody=True),
)
SMALLER: Final = (
    Place(5_000, 1_000, 0.1, everybody=False),
    Place(20_000, 2_000, 0.1, everybody=False),
    Place(20_000, 8_000, 0.05, everybody=True),
    Place(40_000, 4_000, 0.1, everybody=False),
)


def measure(place: Place, days: int, var: Path) -> str:
    """Run night.py; its record, as a line of JSON."""
    told = var / "night.json"
    options = [f"--{name}={getattr(place, name)}" for name in ("users", "items", "active")]
    options += [f"--days={days}", f"--var={var}", f"--json={told}"]
    script = Path(__file__).with_name("night.py")
    subprocess.run(  # noqa: S603  our own script
        [sys.executable, str(script), *options, *(["--everybody"] * place.everybody)], check=True
    )
    record = json.loads(told.read_text("utf-8"))
    kept = ("sizes", "speed", "steps", "seconds", "peak_gib", "row_bytes")
    return json.dumps({name: record[name] for name in kept})


def held_out(nights: tuple[MeasuredNight, ...]) -> Iterator[str]:
    """Each night beside its forecast from the others, on a machine of its speed."""
    for number, night in enumerate(nights):
        others = nights[:number] + nights[number + 1 :]
        told = forecast(night.sizes, others, night.speed, Ledger({}, 0))
        took, said = sum(night.seconds.values()), sum(told.seconds.values())
        yield (
            f"{night.sizes.ranked:,.0f} lists, {night.sizes.items:,.0f} items,"
            f" {night.sizes.events:,.0f} events: took {took:.1f} s, forecast {said:.1f} s"
            f" ({said / took:.2f}); memory {night.peak_gib:.2f} GiB, {told.peak_gib:.2f}"
        )


def main(
    *,
    days: Annotated[int, typer.Option(min=1, help="of the history")] = 10,
    smaller: Annotated[bool, typer.Option("--smaller", help="places a quarter as large")] = False,
    only_compare: Annotated[bool, typer.Option("--held-out", help="measure nothing")] = False,
    into: Annotated[Path, typer.Option(help="the file to write")] = MEASURED,
    var: Annotated[Path, typer.Option(help="folder of the embedded server")] = Path("var/world"),
) -> None:
    """Measure, write, and compare."""
    if not only_compare:
        var.mkdir(parents=True, exist_ok=True)
        places = SMALLER if smaller else PLACES
        lines = [measure(place, days, var) for place in places]
        into.write_text("\n".join(lines) + "\n", "utf-8")
    for line in held_out(measured_nights(into)):
        CONSOLE.print(line, soft_wrap=True, highlight=False)


if __name__ == "__main__":
    typer.run(main)
