"""A real night on a made world, and in the same run what its steps cost at least.

    python benchmarks/night.py --users 100000 --items 20000 --active 0.1 --json -

makes the world in a process of its own (world.py), in the state after `--days` days; runs the night
of the next day, which makes the first lists; and measures the one after it, step by step, beside
the floors (floors.py) and the memory that it takes (watching.py). Lists are for the users of the
day (RECSYS_REFRESH_DAYS=1), or with `--everybody` for all.

The last line of the JSON has `ratio` (all seconds over all floors), `seconds`, `peak_gib` and
`steps`.
"""

import json
import logging
import subprocess
import sys
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Annotated, NamedTuple

import psutil
import structlog
import typer
from psycopg2.extensions import make_dsn
from rich.console import Console
from rich.table import Table

from benchmarks.calibrating import SHOP
from benchmarks.filling import DATABASE, settle, write_items
from benchmarks.floors import Floor, Floors
from benchmarks.measuring import Figure, table
from benchmarks.side_by_side import side_by_side
from benchmarks.watching import Watch
from benchmarks.world import Active, Days, Items, Size, Users, Visit, World
from recsys_tasks import nightly
from recsys_tasks.interactions import day_number
from recsys_tasks.planning import measure_speed, read_sizes, row_bytes
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session, connect, embedded

CONSOLE = Console()
NIGHTS = 2  # the first is not measured


class Night(NamedTuple):
    """A night that was run.

    Attributes:
        seconds: By step.
        counts: What each step did.
    """

    seconds: dict[str, float]
    counts: dict[str, Counts]

    @property
    def total(self) -> float:
        """Seconds of all steps."""
        return sum(self.seconds.values())


def main(  # noqa: PLR0913  the options of a command
    *,
    users: Users = 20_000,
    items: Items = 2_000,
    active: Active = 0.1,
    days: Days = 15,
    visit: Visit = SHOP.visit,
    seed: int = 0,
    everybody: Annotated[bool, typer.Option(help="lists for all users")] = False,
    shards: Annotated[int, typer.Option(help="as RECSYS_SHARDS")] = 1,
    beside: Annotated[bool, typer.Option(help="ranking and merging in other ways too")] = False,
    dsn: Annotated[str | None, typer.Option(help="of an empty database; else embedded")] = None,
    var: Annotated[Path, typer.Option(help="folder of the embedded server")] = Path("var/world"),
    json_file: Annotated[str | None, typer.Option("--json", help="a file, or - for here")] = None,
) -> None:
    """Run a night on a world of this size."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    size = Size(users, items, active, days, visit, seed)
    CONSOLE.print(f"load {psutil.getloadavg()[0]:.2f} on {psutil.cpu_count()} processors")
    make_world(size, dsn, var, NIGHTS)
    settings = read_settings(
        dsn=dsn or make_dsn(embedded.start(var / "postgres"), dbname=DATABASE),
        encoder=str(var.resolve() / "made-words"),
        refresh_days=None if everybody else 1,
        shards=shards,
    )
    first, last = (size.last_day + timedelta(days=1 + number) for number in range(NIGHTS))
    _run(settings, size, first)
    with Watch(str(settings.dsn)) as memory:
        night = _run(settings, size, last)
    warehouse = connect(settings)
    floors = Floors(warehouse, settings, last).measured()
    figures = side_by_side(warehouse, settings, last) if beside else []
    with warehouse.transaction() as session:
        facts = _facts(session, settings)
    warehouse.close()
    _print(night, floors, memory)
    for row in table(figures) if figures else ():
        CONSOLE.print(row, soft_wrap=True, highlight=False, markup=False)
    if json_file is not None:
        line = json.dumps(record(size, night, floors, memory, figures) | facts)
        if json_file == "-":
            CONSOLE.print(line, soft_wrap=True, highlight=False, markup=False)
        else:
            Path(json_file).write_text(line + "\n", "utf-8")


def _facts(session: Session, settings: Settings) -> dict[str, object]:
    """What `ebbtide plan` learns from beside the seconds; the transaction is taken back."""
    sizes = read_sizes(session, settings)
    speed = measure_speed(session)
    found: dict[str, object] = {
        "sizes": sizes._asdict(),
        "speed": speed._asdict(),
        "row_bytes": {name: round(size, 1) for name, size in row_bytes(session).items()},
    }
    session.connection.rollback()
    return found


def make_world(size: Size, dsn: str | None, var: Path, nights: int) -> None:
    """Make the world in another process, whose memory is gone when the night begins."""
    options = {**size._asdict(), "nights": nights, "var": var} | ({"dsn": dsn} if dsn else {})
    told = [f"--{name}={value}" for name, value in options.items()]
    script = Path(__file__).with_name("world.py")
    start = perf_counter()
    made = subprocess.run(  # noqa: S603  our own script
        [sys.executable, str(script), "--state", *told], check=False, stdout=subprocess.DEVNULL
    )
    if made.returncode:  # it has said why
        raise typer.Exit(made.returncode)
    CONSOLE.print(f"The world took {perf_counter() - start:.0f} s.")


def _run(settings: Settings, size: Size, day: date) -> Night:
    """Run a night, after the items of its day have come, on a database that is at rest."""
    warehouse = connect(settings)
    with warehouse.transaction() as session:
        write_items(session, World(size), day_number(day))
    settle(warehouse)
    warehouse.close()
    began: list[tuple[str, float]] = []
    counts = nightly.run_night(settings, day, lambda step: began.append((step, perf_counter())))
    ends = [*(start for _, start in began[1:]), perf_counter()]
    seconds = {step: end - start for (step, start), end in zip(began, ends, strict=True)}
    CONSOLE.print(f"Night {day}: {sum(seconds.values()):.1f} s.")
    return Night(seconds, counts)


def record(
    size: Size, night: Night, floors: list[Floor], memory: Watch, figures: list[Figure]
) -> dict[str, object]:
    """What the JSON says of a night; a ratio is null where there is no floor."""
    least = floors_by_step(floors)
    steps = {
        step: {
            "seconds": round(seconds, 3),
            "floor": round(least.get(step, 0.0), 3),
            "ratio": round(seconds / least[step], 3) if least.get(step) else None,
            **night.counts[step],
        }
        for step, seconds in night.seconds.items()
    }
    return {
        "size": size._asdict(),
        "ratio": round(night.total / sum(least.values()), 3),
        "seconds": round(night.total, 3),
        "peak_gib": round(memory.both, 3),
        "program_gib": round(memory.program, 3),
        "postgres_gib": round(memory.postgres, 3),
        "steps": steps,
        "floors": [floor._asdict() for floor in floors],
        "side_by_side": [figure._asdict() for figure in figures],
    }


def floors_by_step(floors: list[Floor]) -> dict[str, float]:
    """The seconds that each step takes at least."""
    return {
        step: sum(floor.seconds for floor in parts)
        for step, parts in groupby(floors, key=lambda floor: floor.step)
    }


def _print(night: Night, floors: list[Floor], memory: Watch) -> None:
    """A line a step, and below it one for each part of its floor."""
    shown = Table("step", "seconds", "floor", "ratio", "what it did, or what the floor is")
    least = floors_by_step(floors)
    for step, seconds in night.seconds.items():
        counts = ", ".join(f"{name} {count:,}" for name, count in night.counts[step].items())
        shown.add_row(step, *_cells(seconds, least.get(step, 0.0)), counts, style="bold")
        for floor in floors:
            if floor.step == step:
                shown.add_row("", "", f"{floor.seconds:.2f}", "", f"{floor.what}: {floor.amount}")
    shown.add_row("all", *_cells(night.total, sum(least.values())), "", style="bold")
    CONSOLE.print(shown)
    CONSOLE.print(
        f"Peak memory {memory.both:.2f} GiB: the program {memory.program:.2f},"
        f" Postgres {memory.postgres:.2f}, each at its own most."
    )


def _cells(seconds: float, floor: float) -> tuple[str, str, str]:
    return f"{seconds:.2f}", f"{floor:.2f}", f"{seconds / floor:.2f}" if floor else ""


if __name__ == "__main__":
    typer.run(main)
