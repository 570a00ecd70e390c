"""Whether nights stay as short, and tables as small, however many nights there have been.

    python benchmarks/hundred_nights.py --users 100000 --items 20000 --active 0.1 --nights 100

makes a world (world.py) in the state after `--days` days, runs `--nights` nights in a row, and
tells at some of them the seconds of each step (the median of the five nights until then), and of
each table its size, that of its indexes, and the dead rows that the night left to vacuum. Between
two nights runs what autovacuum does between them on a server where a night is a day.

What users do on a day does not change with the days here, so a step that takes longer reads what it
should not. `interactions`, `daily_interests` and `daily_trends` keep every day by design, and grow
by the same each night; what holds one state of each user grows with the users who came so far.
"""

import json
import logging
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, NamedTuple

import structlog
import typer
from psycopg2.extensions import make_dsn
from rich.console import Console
from rich.table import Table

from benchmarks.calibrating import SHOP
from benchmarks.filling import DATABASE, settle, write_items
from benchmarks.night import make_world
from benchmarks.world import Active, Items, Size, Users, Visit, World
from recsys_tasks import nightly
from recsys_tasks.interactions import day_number
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Session, Warehouse, connect, embedded

CONSOLE = Console()
LATEST = 5  # nights whose median is told
MIB = 2**20
SMALL = MIB  # tables below are not told
# Partitions count as one table, whose name ends with a star.
TABLES = """
select
    coalesce(parents.relname || ' *', pg_class.relname)::text as name,
    sum(pg_table_size(pg_class.oid))::bigint as table_size,
    sum(pg_indexes_size(pg_class.oid))::bigint as index_size,
    sum(pg_stat_get_dead_tuples(pg_class.oid))::bigint as n_dead
from pg_class
left join pg_inherits on pg_class.oid = pg_inherits.inhrelid
left join pg_class as parents on pg_inherits.inhparent = parents.oid
where pg_class.relkind = 'r' and pg_class.relnamespace = current_schema()::regnamespace
group by 1
order by 1
"""


class Held(NamedTuple):
    """What a table holds: bytes, and rows that are dead."""

    table: int
    indexes: int
    dead: int


class Night(NamedTuple):
    """A night that was run.

    Attributes:
        seconds: By step.
        tables: As it left them.
    """

    seconds: dict[str, float]
    tables: dict[str, Held]


def main(  # noqa: PLR0913  the options of a command
    *,
    users: Users = 100_000,
    items: Items = 20_000,
    active: Active = 0.1,
    visit: Visit = SHOP.visit,
    nights: Annotated[int, typer.Option(min=2)] = 100,
    days: Annotated[int, typer.Option(min=1, help="of the history before them")] = 5,
    steps: Annotated[str, typer.Option(help="of each night, with commas")] = ",".join(
        nightly.STEPS
    ),
    seed: int = 0,
    dsn: Annotated[str | None, typer.Option(help="of an empty database; else embedded")] = None,
    var: Annotated[Path, typer.Option(help="folder of the embedded server")] = Path("var/world"),
    json_file: Annotated[str | None, typer.Option("--json", help="a file")] = None,
) -> None:
    """Run nights in a row."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    size = Size(users, items, active, days, visit, seed)
    make_world(size, dsn, var, nights)
    settings = read_settings(
        dsn=dsn or make_dsn(embedded.start(var / "postgres"), dbname=DATABASE),
        encoder=str(var.resolve() / "made-words"),
        refresh_days=1,
    )
    warehouse, world = connect(settings), World(size)
    done = [_run(warehouse, settings, world, number, steps.split(",")) for number in range(nights)]
    warehouse.close()
    told = sorted({1, *(nights * part // 4 for part in (1, 2, 3, 4))} - {0})
    _print(done, told)
    if json_file is not None:
        lines = [{"seconds": night.seconds, "tables": night.tables} for night in done]
        Path(json_file).write_text(json.dumps(lines) + "\n", "utf-8")


def _run(
    warehouse: Warehouse, settings: Settings, world: World, number: int, steps: list[str]
) -> Night:
    """Run the night of a day after the history, on a database that is at rest."""
    day = world.size.last_day + timedelta(days=1 + number)
    with warehouse.transaction() as session:
        write_items(session, world, day_number(day))
    settle(warehouse)
    seconds = {}
    for step in steps:
        start = perf_counter()
        nightly.run_step(step, day, settings)
        seconds[step] = perf_counter() - start
    CONSOLE.print(f"Night {number + 1}: {sum(seconds.values()):.1f} s.")
    with warehouse.transaction() as session:
        return Night(seconds, _tables(session))


def _tables(session: Session) -> dict[str, Held]:
    session.select("select pg_stat_force_next_flush()")
    return {name: Held(*map(int, held)) for name, *held in session.select(TABLES)}


def _print(done: list[Night], told: list[int]) -> None:
    """A column a night that is told."""
    shown = Table("", *(f"night {number}" for number in told))
    for step in [*done[0].seconds, "all"]:
        cells = (f"{_seconds(done[:number], step):.2f}" for number in told)
        shown.add_row(f"{step}, s", *cells)
    sizes: dict[str, list[Held]] = defaultdict(list)
    for number in told:
        for name in done[-1].tables:
            sizes[name].append(done[number - 1].tables.get(name, Held(0, 0, 0)))
    for name, held in sizes.items():
        if held[-1].table + held[-1].indexes >= SMALL:
            shown.add_row(f"{name}, MiB", *(f"{one.table / MIB:.1f}" for one in held))
            shown.add_row("  its indexes, MiB", *(f"{one.indexes / MIB:.1f}" for one in held))
            shown.add_row("  its dead rows", *(f"{one.dead:,}" for one in held))
    CONSOLE.print(shown)


def _seconds(done: list[Night], step: str) -> float:
    """Of a step, or of all: the median of the latest nights."""
    latest = done[-LATEST:]
    if step == "all":
        return median(sum(night.seconds.values()) for night in latest)
    return median(night.seconds[step] for night in latest)


if __name__ == "__main__":
    typer.run(main)
