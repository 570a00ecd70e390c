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

from benchmarks.made_lists import fill
from recsys_tasks.settings import read_settings
from recsys_tasks.warehouse import connect, embedded

CONSOLE = Console()
DATABASE = "serving"
WARMING = 200  # calls before those that count
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
