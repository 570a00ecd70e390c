"""A change of encoder while lists are served, killed half-way twice and begun again.

    python benchmarks/changing_encoders.py FOLDER [--preset shop] [--readers 2]

makes a database in the embedded server, takes the history before the folder's last day and serves
lists of it. Then, while readers ask for lists without a pause, each command in a process of its
own: an encoder of half as many dimensions is added, killed as it embeds, and added; interests are
made for it, killed once their deltas are written, and a night runs, with the old encoder; the
change goes on, and the night is run again, with the new one. Told: what each command took, what was
there when it was killed, and how readers fared.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import DEVNULL, Popen
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Annotated, NamedTuple

import numpy as np
import psycopg2
import typer
from psycopg2.extensions import make_dsn

from recsys_tasks.loading import load_folder
from recsys_tasks.settings import read_settings
from recsys_tasks.warehouse import Warehouse, connect, embedded

LENGTH = 10
LAST_DAY = "select max(occurred_at)::date from app.events"
USERS = "select user_id from recsys.named_users order by user_id"
ADDED = "select count(*) from encoders"
VECTORS = "select count(*) from text_vectors group by encoder_id order by min(text_key), encoder_id"
DELTAS = "select count(*) from accumulated_days group by model_key order by model_key"
SERVING = "select encoder_id from models where state = 'serving'"
SERVED = "select encoder_id, night from recommendations join models using (model_id) limit 1"


class Read(NamedTuple):
    """A list as a reader had it.

    Attributes:
        seconds: Until it was there.
        entries: How many.
        night: When it was made, by its model.
    """

    seconds: float
    entries: int
    night: tuple[object, ...]


class Reader(Thread):
    """Asks for lists of users in turn, until it is told to stop."""

    def __init__(self, dsn: str, users: Sequence[str], over: Event) -> None:
        super().__init__()
        self.dsn, self.users, self.over = dsn, users, over
        self.reads: list[Read] = []

    def run(self) -> None:
        """Each list in a transaction of its own."""
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not self.over.is_set():
                user = self.users[len(self.reads) % len(self.users)]
                begun = perf_counter()
                cursor.execute("select item_id from recsys.recommend(%s, %s)", (user, LENGTH))
                n = len(set(cursor.fetchall()))
                seconds = perf_counter() - begun
                cursor.execute(
                    "select distinct night, model_id from recsys.recommendations"
                    " where user_id = %s",
                    (user,),
                )
                self.reads.append(Read(seconds, n, tuple(sorted(map(str, cursor.fetchall())))))
                sleep(0.02)
        connection.close()


@contextmanager
def asked(dsn: str, users: Sequence[str], n: int) -> Iterator[list[Reader]]:
    """Readers that ask all the while."""
    over = Event()
    readers = [Reader(dsn, users[start::n], over) for start in range(n)]
    for reader in readers:
        reader.start()
    try:
        yield readers
    finally:
        over.set()
        for reader in readers:
            reader.join()


class Place(NamedTuple):
    """Where commands work."""

    dsn: str
    preset: str
    warehouse: Warehouse

    def begin(self, *words: str) -> Popen[bytes]:
        """Begin a command in a process of its own."""
        preset = [] if words[:2] == ("encoders", "add") else ["--preset", self.preset]
        command = [sys.executable, "-m", "recsys_tasks", *words, "--dsn", self.dsn, *preset]
        return Popen(command, stdout=DEVNULL, stderr=DEVNULL)  # noqa: S603  our own

    def end(self, *words: str) -> None:
        """Run a command to its end, and tell how long it took."""
        begun = perf_counter()
        if code := self.begin(*words).wait():
            message = f"{' '.join(words)} ended with {code}"
            raise RuntimeError(message)
        self.tell(f"{' '.join(words)}: {perf_counter() - begun:.0f} s")

    def killed(self, *words: str, when: Callable[[], bool]) -> None:
        """Begin a command, and kill it as soon as something is so."""
        begun, process = perf_counter(), self.begin(*words)
        while not when():
            if process.poll() is not None:
                message = f"{' '.join(words)} ended with {process.returncode}, and was to be killed"
                raise RuntimeError(message)
            sleep(0.02)
        process.kill()
        process.wait()
        self.tell(f"{' '.join(words)}, killed after {perf_counter() - begun:.0f} s")

    def numbers(self, statement: str) -> list[int]:
        """The first column of a statement."""
        with self.warehouse.transaction() as session:
            return [row[0] for row in session.select(statement)]

    def tell(self, what: str) -> None:
        """Say what happened, and what there is now."""
        with self.warehouse.transaction() as session:
            ((serving,),) = session.select(SERVING)
            ((of_lists, night),) = session.select(SERVED)
        typer.echo(
            f"{what}; vectors {self.numbers(VECTORS)}, days with deltas {self.numbers(DELTAS)};"
            f" {serving} serves, lists of {night} by {of_lists}"
        )


def main(
    folder: Path,
    preset: str = "shop",
    readers: Annotated[int, typer.Option(min=1)] = 2,
    place: Annotated[Path, typer.Option(help="Of the embedded server.")] = Path("var/changing"),
) -> None:
    """Change the encoder of a folder, and tell."""
    server = embedded.start(place)
    connection = psycopg2.connect(server)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("drop database if exists changing with (force)")
        cursor.execute("create database changing")
    connection.close()
    dsn = make_dsn(server, dbname="changing")
    warehouse = connect(read_settings(dsn=dsn, preset=preset))
    load_folder(warehouse, folder)
    here = Place(dsn, preset, warehouse)
    with warehouse.transaction() as session:
        ((last,),) = session.select(LAST_DAY)
    here.end("night", str(last - timedelta(days=1)))
    with warehouse.transaction() as session:
        users = [user for (user,) in session.select(USERS)]
    with asked(dsn, users, readers) as asking:
        change(here, str(last))
    reads = [read for reader in asking for read in reader.reads]
    seconds = np.array([read.seconds for read in reads])
    entries = np.array([read.entries for read in reads])
    typer.echo(
        f"{len(reads):,} lists were read meanwhile, by {readers} readers: {(entries == 0).sum()}"
        f" empty, {(entries < LENGTH).sum()} shorter than {LENGTH},"
        f" {sum(len(read.night) > 1 for read in reads)} of two nights or models;"
        f" median {1e3 * np.median(seconds):.1f} ms, 99th percentile"
        f" {1e3 * np.percentile(seconds, 99):.1f}, slowest {1e3 * seconds.max():.0f}"
    )
    warehouse.close()


def change(here: Place, night: str) -> None:
    """The commands, one after another."""
    add = ("encoders", "add", "half", "--dim", "192")

    def embeds() -> bool:
        if here.numbers(ADDED) == [0]:
            return False
        sleep(2)  # it was written down just before
        return True

    def has_deltas() -> bool:
        return len(here.numbers(DELTAS)) > 1

    here.killed(*add, when=embeds)
    here.end(*add)
    here.killed("encoders", "switch", "half", when=has_deltas)
    here.end("night", night)
    here.end("encoders", "switch", "half")
    here.end("night", night)


if __name__ == "__main__":
    typer.run(main)
