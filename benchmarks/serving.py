"""How long an application waits for a list, at any number of users.

    python benchmarks/serving.py --users 1500000 --items 20000 --nights 30

makes users with lists of 50 and reasons, night by night, in the embedded server (or an empty
database, `--dsn`), and asks for lists by prepared statements over connections that are warm. The
newest night has lists for all users but the last hundredth; every user has one of an earlier night.
What is asked again finds the database as it is.

A wait is from a program's call to its last row. Beside it stands a bare read of one row by its
primary key, which is what a list lies in, and the processor time of the server's process.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, Thread
from time import perf_counter
from typing import Annotated, NamedTuple

import numpy as np
import psutil
import psycopg2
import typer
from psycopg2.extensions import connection, make_dsn
from rich.console import Console

from recsys_tasks.settings import read_settings
from recsys_tasks.warehouse import connect, embedded

CONSOLE = Console()
DATABASE = "serving"
LAST = date(2025, 2, 28)
WARMING = 200  # calls before those that count
FACTS = """
set local search_path to recsys, public;
insert into event_types (event_type, verb, uses_up)
values ('view', 'viewed', false), ('purchase', 'bought', true);
insert into items (item_id, title, category, is_listed, source_hash)
select 'i' || lpad(n::text, 7, '0'), 'thing number ' || n, 'category ' || n %% 40, true, n
from generate_series(1, %(items)s) as n;
insert into users (user_id)
select 'u' || lpad(n::text, 8, '0') from generate_series(1, %(users)s) as n;
insert into models (model_id, kind, encoder_id, dim, parameters, state)
values ('made', 'zero-shot', 'none', 8, '{}', 'serving');
insert into variants (variant) values ('interest');
"""
# A thousand lists, and the user's key says which one of them each has.
TEMPLATES = """
create temporary table templates on commit drop as
select
    template,
    array_agg((1 + (template * 7919 + r * r * 31 + r * 101) %% %(items)s)::integer order by r)
        as item_keys,
    array_agg((3 - r / 50.0)::real order by r) as scores,
    array_agg((case r %% 3 when 0 then 3 else 1 end)::smallint order by r) as kinds,
    array_agg((case r %% 3 when 0 then 0 else 1 + (template * 31 + r * 977) %% %(items)s end)
        ::integer order by r) as reason_items,
    array_agg((case r %% 3 when 0 then 7 else 1 + r %% 2 end)::smallint order by r) as details,
    array_agg(%(today)s - 1 - r %% 14 order by r) as days,
    array_agg((1 - r / 60.0)::real order by r) as parts
from generate_series(0, 999) as template
cross join generate_series(1, 50) as r
group by template;
create unique index on templates (template);
analyze templates;
"""
LISTS = """
insert into recsys.recommendation_lists
select
    %(night)s, n, 1, 1, 1, item_keys, scores, kinds, reason_items, details, days,
    kinds[:30], reason_items[:30], details[:30], days[:30], parts[:30]
from generate_series(%(first)s, %(last)s, %(step)s) as n
inner join templates on template = n %% 1000
order by n
"""
NIGHT = """
insert into recsys.published_nights (
    night, model_key, partition_name, n_lists, inputs_fingerprint
) values (%(night)s, 1, %(partition)s, 0, 'made');
insert into recsys.cold_start_lists
select %(night)s, 1, item_keys, scores, details from templates where template = 7;
"""
PREPARED = """
prepare bare (integer) as
select * from recsys.recommendation_lists where user_key = $1 and night = '2025-02-28';
prepare ten (text) as select * from recsys.recommend($1, 10);
prepare fifty (text) as select * from recsys.recommend($1, 50);
"""


class Ask(NamedTuple):
    """What is asked for.

    Attributes:
        way: What it is.
        statement: A prepared one.
        users: Numbers of those who ask, half-open.
        letter: What their ids begin with; empty where the key is asked for.
    """

    way: str
    statement: str
    users: tuple[int, int]
    letter: str = "u"


class Wait(NamedTuple):
    """How long calls took.

    Attributes:
        ask: What was asked for.
        clients: At once, each over a connection of its own.
        p5: What one in twenty is quicker than, in ms: on a busy machine nearest to an idle one's.
        p50: Median, in ms.
        p99: In ms.
        first: The first call of a connection, in ms.
        processor: Of the server's process, in ms a call; nan where it runs elsewhere.
    """

    ask: Ask
    clients: int
    p5: float
    p50: float
    p99: float
    first: float
    processor: float


def asks(n_users: int) -> tuple[Ask, ...]:
    """The bare read first: what the others are held against."""
    last = n_users - n_users // 100
    return (
        Ask("a bare read of a list's row", "execute bare (%s)", (1, last), ""),
        Ask("recommend, 10", "execute ten (%s)", (1, last)),
        Ask("recommend, 50", "execute fifty (%s)", (1, last)),
        Ask("recommend, 10, an earlier night's list", "execute ten (%s)", (last + 1, n_users)),
        Ask("recommend, 10, nobody known", "execute ten (%s)", (1, last), "x"),
    )


def fill(dsn: str, users: int, items: int, nights: int) -> None:
    """Write users and their lists; nights are partitions, the newest one is full."""
    days = [LAST - timedelta(days=age) for age in reversed(range(nights))]
    today = {"today": (LAST - date(1970, 1, 1)).days, "items": items, "users": users}
    with psycopg2.connect(dsn) as session, session.cursor() as cursor:
        cursor.execute(FACTS, today)
        cursor.execute(TEMPLATES, today)
        for number, night in enumerate(days):
            newest, partition = night == LAST, f"lists_{night:%Y%m%d}_0"
            cursor.execute(
                f"create table recsys.{partition} partition of recsys.recommendation_lists"
                " for values from (%s) to (%s)",
                (night, night + timedelta(days=1)),
            )
            rows = {"first": 1 + number, "last": users, "step": nights - 1}
            if newest:
                rows = {"first": 1, "last": users - users // 100, "step": 1}
            cursor.execute(LISTS, {"night": night, **rows})
            cursor.execute(NIGHT, {"night": night, "partition": partition})
    session.close()
    settled = psycopg2.connect(dsn)
    settled.autocommit = True
    settled.cursor().execute("vacuum analyze")
    settled.close()


def open_client(dsn: str, role: str | None) -> connection:
    """A connection that has its statements prepared, as an application keeps it."""
    client = psycopg2.connect(dsn)
    client.autocommit = True
    with client.cursor() as cursor:
        if role is not None:
            cursor.execute(f"set role {role}")
        cursor.execute(PREPARED)
    return client


def measure(dsn: str, ask: Ask, clients: int, calls: int, role: str | None = None) -> Wait:
    """Ask over and over again.

    Args:
        dsn: Of the filled database.
        ask: What for.
        clients: At once.
        calls: Of each client that count.
        role: Whose rights are used; None for the owner's.
    """
    opened = [open_client(dsn, role) for _ in range(clients)]
    waits, first = np.zeros((clients, calls)), np.zeros(clients)
    spent = np.zeros(clients)
    barrier = Barrier(clients)

    def work(number: int) -> None:
        rng = np.random.default_rng(number)
        drawn = rng.integers(*ask.users, WARMING + calls, endpoint=True).tolist()
        ids = [f"{ask.letter}{user:08}" for user in drawn] if ask.letter else drawn
        server = psutil.Process(opened[number].info.backend_pid)
        with opened[number].cursor() as cursor:
            first[number] = _timed(cursor, ask.statement, ids[:1])[0]
            _timed(cursor, ask.statement, ids[:WARMING])
            barrier.wait()
            before = sum(server.cpu_times()[:2])
            waits[number] = _timed(cursor, ask.statement, ids[WARMING:])
            spent[number] = sum(server.cpu_times()[:2]) - before

    threads = [Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in opened:
        client.close()
    p5, p50, p99 = np.percentile(waits, [5, 50, 99]) * 1e3
    return Wait(ask, clients, p5, p50, p99, first.mean() * 1e3, spent.sum() / waits.size * 1e3)


def _timed(
    cursor: psycopg2.extensions.cursor, statement: str, ids: Sequence[object]
) -> list[float]:
    """Seconds of each call."""
    seconds = []
    for user in ids:
        start = perf_counter()
        cursor.execute(statement, (user,))
        found = cursor.fetchall()
        seconds.append(perf_counter() - start)
        assert found
    return seconds


def main(
    *,
    users: Annotated[int, typer.Option(min=1000)] = 100_000,
    items: Annotated[int, typer.Option(min=1000)] = 20_000,
    nights: Annotated[int, typer.Option(min=2, max=50, help="whose lists are kept")] = 30,
    calls: Annotated[int, typer.Option(min=100)] = 3000,
    dsn: Annotated[str | None, typer.Option(help="of an empty database; else embedded")] = None,
    var: Annotated[Path, typer.Option(help="folder of the embedded server")] = Path("var/serving"),
) -> None:
    """Fill the database where it is empty, and ask."""
    if dsn is None:
        dsn = _database(embedded.start(var / "postgres"))
    warehouse = connect(read_settings(dsn=dsn))
    with warehouse.transaction() as session:
        found = session.select("select count(*) from users")[0][0]
    if not found:
        start = perf_counter()
        fill(dsn, users, items, nights)
        CONSOLE.print(f"Filled in {perf_counter() - start:.0f} s.")
    elif found != users:
        message = f"the database has {found} users already: name an empty one"
        raise typer.BadParameter(message, param_hint="--dsn")
    CONSOLE.print(f"load {psutil.getloadavg()[0]:.2f} on {psutil.cpu_count()} processors")
    line = "{:42} {:13} {:>7} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8}"
    heads = ("p5 ms", "p50 ms", "p99 ms", "CPU ms", "p5/bare", "first ms")
    told = [line.format("what", "role", "clients", *heads)]
    for role in (None, "recsys_reader"):
        for clients in (1, 2):
            bare, *others = (measure(dsn, ask, clients, calls, role) for ask in asks(users))
            for wait in (bare, *others):
                times = (wait.p5, wait.p50, wait.p99, wait.processor, wait.p5 / bare.p5, wait.first)
                cells = (f"{value:.2f}" for value in times)
                told.append(line.format(wait.ask.way, role or "the owner", clients, *cells))
    for row in told:
        CONSOLE.print(row, soft_wrap=True, highlight=False)


def _database(server: str) -> str:
    """DATABASE of a server, made where it is missing."""
    administrator = psycopg2.connect(server)
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute("select from pg_database where datname = %s", (DATABASE,))
        if not cursor.rowcount:
            cursor.execute(f"create database {DATABASE}")
    administrator.close()
    return str(make_dsn(server, dbname=DATABASE))


if __name__ == "__main__":
    typer.run(main)
