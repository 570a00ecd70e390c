"""The command that says what a night will cost."""

import json
from pathlib import Path
from typing import Annotated

import typer

from recsys_tasks.cli.options import Dsn, JsonFile, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS
from recsys_tasks.planning import (
    MEASURED,
    Disk,
    Forecast,
    Sizes,
    advice,
    forecast,
    measure_speed,
    measured_nights,
    plan_disk,
    read_ledger,
    read_sizes,
)
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect

GIB = 2**30


def plan(
    users: Annotated[
        float | None, typer.Option("--users", metavar="N", min=1, help="As if there were N users.")
    ] = None,
    items: Annotated[
        float | None, typer.Option("--items", metavar="N", min=1, help="As if there were N items.")
    ] = None,
    nights: Annotated[
        int, typer.Option("--nights", metavar="N", min=1, help="Disk after N nights.")
    ] = 30,
    measured: Annotated[
        Path,
        typer.Option(
            "--measured",
            metavar="FILE",
            help="Measured nights, as benchmarks/curves.py writes them.",
            show_default="those of this version",
        ),
    ] = MEASURED,
    json_file: JsonFile = None,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """What a night will cost: seconds by step, memory, disk; also before the first one."""
    settings = settings_of(dsn, schema)
    known = measured_nights(measured)
    with connect(settings).transaction() as session:
        now = read_sizes(session, settings)
        sizes = now.scaled(users, items)
        told = forecast(sizes, known, measure_speed(session), read_ledger(session), now)
        disk = plan_disk(session, settings, sizes, known, nights)
        session.undo()
    said = list(advice(settings, sizes, told, disk))
    _print(sizes, told, disk, said)
    if json_file is not None:
        facts = {
            "sizes": sizes._asdict(),
            "forecast": told._asdict(),
            "disk": disk._asdict(),
            "advice": said,
        }
        json_file.write_text(json.dumps(facts) + "\n", "utf-8")


def _print(sizes: Sizes, told: Forecast, disk: Disk, said: list[str]) -> None:
    ANSWERS.print(
        f"{sizes.users:,.0f} users, {sizes.active:,.0f} of them on a day; {sizes.items:,.0f} items;"
        f" {sizes.events:,.0f} events a day; {sizes.ranked:,.0f} lists a night."
    )
    source = f"this database's last nights ({told.nights})" if told.nights else "measured nights"
    shown = table("step", "seconds ", title=f"A night, by {source}")
    for step, seconds in told.seconds.items():
        shown.add_row(step, f"{seconds:,.1f}")
    shown.add_row("all", f"{sum(told.seconds.values()):,.1f}")
    ANSWERS.print(shown)
    ANSWERS.print(f"Memory {told.peak_gib:.1f} GiB at most, Postgres's with it.")
    ANSWERS.print(
        f"Disk {disk.standing / GIB:.2f} GiB now, {disk.a_night / GIB:.3f} GiB a night,"
        f" {disk.after / GIB:.2f} GiB after {disk.nights} nights;"
        f" {disk.a_user / 2**10:.1f} KiB a user for good."
    )
    for sentence in said:
        ANSWERS.print(sentence)


COMMANDS = (plan,)
