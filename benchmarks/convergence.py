"""The central promise on real data: whatever the order, repetition or delay, the same tables.

Replays one folder three ways, each in a database of its own: in order; in a random order and then
again in another; and in order with a share of the events delivered three days late. Then it
compares, for every user and half-life, the totals, and for every user the last night's list.

    python benchmarks/convergence.py FOLDER --since 2011-11-01 --until 2011-12-10 --preset shop
"""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.databases import made_anew
from recsys_tasks import nightly
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse, connect, embedded

DELAY = timedelta(days=3)
CONSOLE = Console()

TOTALS = """
    select users.user_id, interest_totals.half_life, interest_totals.as_of, interest_totals.mass,
        interest_totals.total::real []
    from interest_totals inner join users on interest_totals.user_key = users.user_key
    order by users.user_id, interest_totals.half_life
"""
LISTS = """
    select listed.user_id, array_agg(listed.item_id order by listed.rank),
        array_agg(listed.score order by listed.rank), array_agg(listed.reason order by listed.rank)
    from recommendations as listed
    where listed.night = %(night)s
    group by listed.user_id
    order by listed.user_id
"""
WITHHOLD = """
    create table late_events as
    select * from app.events
    where occurred_at >= %(since)s
        and hashtextextended(event_id, %(seed)s) %% 1000 < %(per_mille)s
        and hashtextextended(event_id, %(seed)s) > 0;
    delete from app.events using late_events where app.events.event_id = late_events.event_id;
"""
DELIVER = """
    with due as (delete from late_events where occurred_at < %(until)s returning *)
    insert into app.events select * from due;
"""


class World(NamedTuple):
    """One replay.

    Attributes:
        name: What was done.
        settings: Of its database.
        warehouse: Its database.
    """

    name: str
    settings: Settings
    warehouse: Warehouse


def main(
    folder: Path,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
    preset: str = "shop",
    late_per_mille: int = 10,
    seed: int = 7,
) -> None:
    """Replay FOLDER three ways and compare what is left."""
    nights = list(nightly.days_between(since.date(), until.date()))
    shuffled = random.Random(seed)  # noqa: S311  an order, not a secret
    server = embedded.start(Path("var") / "convergence")
    ordered = _world("in order", server, folder, preset)
    _run(ordered, nights)
    reordered = _world("random order, twice", server, folder, preset)
    _run(reordered, shuffled.sample(nights, len(nights)))
    _run(reordered, shuffled.sample(nights, len(nights)))
    late = _world(f"{late_per_mille / 10:g}% of events 3 days late", server, folder, preset)
    _withhold(late, nights[0], late_per_mille, seed)
    _run(late, nights, before=lambda night: _deliver(late, night - DELAY))
    _deliver(late, nights[-1])
    _run(late, nights[-1:])
    for other in (reordered, late):
        _compare(ordered, other, nights[-1])


def _world(name: str, server: str, folder: Path, preset: str) -> World:
    database = "convergence_" + "".join(letter for letter in name if letter.isalnum()).lower()
    settings = read_settings(dsn=made_anew(server, database), preset=preset)
    warehouse = connect(settings)
    load_folder(warehouse, folder)
    return World(name, settings, warehouse)


def _run(world: World, nights: list[date], before: Callable[[date], None] | None = None) -> None:
    start = perf_counter()
    for night in nights:
        if before:
            before(night)
        nightly.run_night(world.settings, night)
    CONSOLE.print(f"{world.name}: {len(nights)} nights in {perf_counter() - start:.0f} s")


def _withhold(world: World, since: date, per_mille: int, seed: int) -> None:
    with world.warehouse.transaction() as session:
        session.select(WITHHOLD, {"since": since, "per_mille": per_mille, "seed": seed})
        (n,) = session.select("select count(*) from late_events")[0]
    CONSOLE.print(f"{world.name}: {n:,} events withheld")


def _deliver(world: World, day: date) -> None:
    with world.warehouse.transaction() as session:
        session.select(DELIVER, {"until": day + timedelta(days=1)})


def _compare(one: World, other: World, night: date) -> None:
    """Print the largest difference of totals and the number of lists that differ."""
    with one.warehouse.transaction() as left, other.warehouse.transaction() as right:
        totals, other_totals = left.select(TOTALS), right.select(TOTALS)
        lists, other_lists = (side.select(LISTS, {"night": night}) for side in (left, right))
    assert [row[:3] for row in totals] == [row[:3] for row in other_totals]
    vectors, others = (np.array([row[4] for row in rows]) for rows in (totals, other_totals))
    errors = np.linalg.norm(vectors - others, axis=1) / np.linalg.norm(vectors, axis=1)
    same = sum(mine == theirs for mine, theirs in zip(lists, other_lists, strict=True))
    same_items = sum(
        mine[:2] == theirs[:2] for mine, theirs in zip(lists, other_lists, strict=True)
    )
    table = Table(
        "compared with “in order”",
        "totals",
        "largest relative error",
        "lists",
        "equal items",
        "equal",
    )
    figures = (
        f"{len(totals):,}",
        f"{errors.max():.1e}",
        f"{len(lists):,}",
        f"{same_items:,}",
        f"{same:,}",
    )
    table.add_row(other.name, *figures)
    CONSOLE.print(table)


if __name__ == "__main__":
    typer.run(main)
