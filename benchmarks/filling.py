"""A made world written into a source, and into a warehouse as its nights would leave it.

Everything goes through COPY into tables without indexes, which are made when the rows are there.
Events of the `nights` that are still to come are written too: no night looks beyond its day. Items
are not: `write_items` adds those of a day before its night.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path

import numpy as np
import psycopg2
import structlog
import typer

from benchmarks.databases import made_anew
from benchmarks.nights_before import NightsBefore
from benchmarks.taken_days import mark_days
from benchmarks.wire import INSTANT, copy_in, ids, text
from benchmarks.words import save_encoder
from benchmarks.world import FIRST_DAY, TYPES, Day, World
from recsys_tasks.interactions import date_of, day_number
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Session, Warehouse, connect, copying, embedded

log = structlog.get_logger()

DATABASE = "world"
COPY_ITEMS = "copy app.items (item_id, title, category, created_at) from stdin with (format csv)"
COPY_USERS = "copy app.users (user_id) from stdin with (format binary)"
COPY_EVENTS = """
copy app.events (event_id, user_id, item_id, event_type, value, occurred_at, ingested_at)
from stdin with (format binary)
"""
# What has to be gone while many rows are written, and how it comes back.
INDEXES = """
select
    format('alter table %%s drop constraint %%I', conrelid::regclass, conname),
    format(
        'alter table %%s add constraint %%I %%s', conrelid::regclass, conname,
        pg_get_constraintdef(oid)
    )
from pg_constraint
where conrelid = any(%(tables)s::regclass[]) and contype in ('f', 'p', 'u')
union all
select format('drop index %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
from pg_index
where
    indrelid = any(%(tables)s::regclass[])
    and not exists (
        select from pg_constraint where conindid = indexrelid and conrelid = indrelid
    )
"""
MEMORY = "set local maintenance_work_mem = '512MB'"
STATE = ("interactions", "daily_interests", "interest_totals", "daily_trends")


def fill(
    world: World, dsn: str | None, var: Path, *, with_state: bool, nights: int = 0
) -> tuple[Settings, int]:
    """Write a world into a database that has none.

    Args:
        world: Its items that are born during the history are written, and all of its users.
        dsn: Of the database; None for DATABASE, made anew, of the embedded
            server under `var`.
        var: Takes the encoder's folder.
        with_state: Fill the warehouse too, as the nights of the history would.
        nights: Days after the history whose events are written.

    Returns:
        Settings of the database and of the world's encoder, and how many events the history has.

    Raises:
        typer.BadParameter: There are items already.
    """
    var.mkdir(parents=True, exist_ok=True)
    encoder = save_encoder(world.n_categories, world.size.seed, var.resolve() / "made-words")
    dsn = dsn or made_anew(embedded.start(var / "postgres"), DATABASE)
    settings = read_settings(dsn=dsn, encoder=str(encoder))
    warehouse = connect(settings)
    with warehouse.transaction() as session:
        session.execute("load_create_tables")
        if session.select("select 1 from app.items limit 1"):
            message = "the database has items already: name an empty one"
            raise typer.BadParameter(message, param_hint="--dsn")
        for day in range(world.size.days):
            write_items(session, world, day_number(FIRST_DAY) + day)
        copy_in(session, COPY_USERS, (text(9),), (ids("u", np.arange(world.size.users)),))
    days = islice(world.days(), world.size.days + nights)
    if with_state:
        with warehouse.transaction(exclusive=True) as session:
            before = NightsBefore.open(session, settings, world)
            with without_indexes(session, ("app.events", *STATE)):
                n_events = _write(session, world, before.taking(days))
                before.write()
            mark_days(session, settings, before.live, world.size.last_day)
    else:
        with warehouse.transaction() as session, without_indexes(session, ("app.events",)):
            n_events = _write(session, world, days)
    settle(warehouse)
    warehouse.close()
    return settings, n_events


def _write(session: Session, world: World, days: Iterable[Day]) -> int:
    """Write the events of days; counts those of the history."""
    n_events = 0
    for day in days:
        write_events(session, day)
        if date_of(day.number) <= world.size.last_day:
            n_events += len(day.users)
        log.info("day written", day=date_of(day.number), events=len(day.users))
    return n_events


def write_items(session: Session, world: World, day: int) -> int:
    """Write the items that are new on a day; those of the first day are a year old.

    Returns:
        How many these are.
    """
    rows = world.items_born(day)
    is_first = day == day_number(FIRST_DAY)
    born = datetime.combine(date_of(day - 365 * is_first), time(), UTC)
    categories = [f"category {number}" for number in world.categories[rows].tolist()]
    item_ids = ids("i", rows, 7).astype(str).tolist()
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(
        zip(item_ids, world.texts(rows), categories, [born] * len(rows), strict=True)
    )
    stream.seek(0)
    with session.connection.cursor() as cursor:
        cursor.copy_expert(COPY_ITEMS, stream)
    return len(rows)


def write_events(session: Session, day: Day) -> None:
    """Write a day's events into the source; one arrives when it happens."""
    for number, name in enumerate(TYPES):  # a name's length makes a stream of its own
        chosen = np.flatnonzero(day.types == number)
        times = day.instants[chosen]
        columns = (text(11), text(9), text(8), text(len(name)), copying.FLOAT8, INSTANT, INSTANT)
        arrays = (
            ids("e", day.events[chosen], 10),
            ids("u", day.users[chosen]),
            ids("i", day.items[chosen], 7),
            np.full(len(chosen), name.encode()),
            day.paid[chosen],
            times,
            times,
        )
        copy_in(session, COPY_EVENTS, columns, arrays)


@contextmanager
def without_indexes(session: Session, tables: Sequence[str]) -> Iterator[None]:
    """Drop the indexes, keys and references of tables, and make them again."""
    dropped = session.select(INDEXES, {"tables": list(tables)})
    for drop, _ in dropped:
        session.select(drop)
    yield
    session.select(MEMORY)
    for _, add in dropped:
        session.select(add)


def settle(warehouse: Warehouse) -> None:
    """Do what autovacuum does until the next night, and write out what is still in memory."""
    connection = psycopg2.connect(warehouse.dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
        cursor.execute("checkpoint")
    connection.close()
