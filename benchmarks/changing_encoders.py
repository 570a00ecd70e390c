"""A change of encoder while lists are served, killed half-way twice and begun again.

    python benchmarks/changing_encoders.py FOLDER [--preset shop] [--readers 2] [--no-retrain]

makes a database in the embedded server, takes the history before the folder's last day, trains a
model and serves its lists. Then, while readers ask for lists without a pause, and each command in a
process of its own: an encoder of half as many dimensions is added, killed as it embeds, and added;
compared; a model is trained on its vectors; the switch is killed while interests are made; the last
day's night runs, with what serves; the switch goes on, the night is run again, and the old encoder
is retired. A row a command tells what there is when it has ended or was killed. At last: how
readers fared.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from sys import executable
from threading import Event
from time import perf_counter, sleep
from typing import Annotated, Any, NamedTuple

import numpy as np
import psycopg2
import structlog
import typer

from benchmarks.databases import made_anew
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import read_settings
from recsys_tasks.warehouse import Warehouse, connect, embedded

NAME, DIM = "half", 192
LENGTH = 10
PAUSE = 0.02  # seconds between two questions
LAST_DAY = "select max(occurred_at)::date from app.events"
USERS = "select user_id from recsys.named_users order by user_id"
VECTORS = """
select vector_dims(vector) as dim, count(*) from text_vectors group by dim order by dim desc
"""
DAYS = """
select models.dim, count(*) as n_days
from accumulated_days
inner join models using (model_key)
where models.state <> 'retired'
group by models.dim, models.model_key
order by models.model_key
"""
SERVING = "select kind || ' ' || dim from models where state = 'serving'"
SERVED = """
select distinct recommendations.night || ' by ' || models.dim
from recommendations
inner join models using (model_id)
"""
SOURCES = "select distinct night, model_id from recsys.recommendations where user_id = %s"


class Read(NamedTuple):
    """A list as a reader had it.

    Attributes:
        seconds: Until it was there.
        entries: How many, each once.
        sources: Nights and models that they are of.
    """

    seconds: float
    entries: int
    sources: int


def reads(dsn: str, users: Sequence[str], over: Event) -> list[Read]:
    """Ask for lists of users in turn, each in a transaction of its own, until it is over."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    done: list[Read] = []
    with connection.cursor() as cursor:
        while not over.wait(PAUSE):
            user = users[len(done) % len(users)]
            begun = perf_counter()
            cursor.execute("select item_id from recsys.recommend(%s, %s)", (user, LENGTH))
            entries = len(set(cursor.fetchall()))
            seconds = perf_counter() - begun
            cursor.execute(SOURCES, (user,))
            done.append(Read(seconds, entries, cursor.rowcount))
    connection.close()
    return done


class Place(NamedTuple):
    """Where commands work."""

    dsn: str
    preset: str
    warehouse: Warehouse

    def begin(self, *words: str, to: int = DEVNULL) -> Popen[str]:
        """Begin a command in a process of its own, which speaks to nobody or to us."""
        command = [executable, "-m", "recsys_tasks", *words, "--dsn", self.dsn]
        if words[1] not in {"add", "retire"}:
            command += ["--preset", self.preset]
        return Popen(command, stdout=to, stderr=to, text=True)  # noqa: S603  our own

    def end(self, *words: str) -> str:
        """Run a command to its end, tell, and return what it said."""
        begun, process = perf_counter(), self.begin(*words, to=PIPE)
        said, wrong = process.communicate()
        if process.returncode:
            message = f"{' '.join(words)} ended with {process.returncode}: {wrong}"
            raise RuntimeError(message)
        self.tell(" ".join(words), perf_counter() - begun)
        return said

    def killed(self, *words: str, when: Callable[[], bool]) -> None:
        """Begin a command, kill it as soon as something is so, and tell."""
        begun, process = perf_counter(), self.begin(*words)
        while not when():
            if process.poll() is not None:
                message = f"{' '.join(words)} ended with {process.returncode}, and was to be killed"
                raise RuntimeError(message)
            sleep(PAUSE)
        process.kill()
        process.wait()
        self.tell(f"{' '.join(words)}: **killed**", perf_counter() - begun)

    def found(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with self.warehouse.transaction() as session:
            return session.select(statement)

    def tell(self, what: str, seconds: float) -> None:
        """A row of the table: what was done, and what there is now."""
        vectors, days = (
            ", ".join(f"{n:,} of {dim}" for dim, n in self.found(statement))
            for statement in (VECTORS, DAYS)
        )
        ((serving,),) = self.found(SERVING)
        lists = ", ".join(night for (night,) in self.found(SERVED))
        typer.echo(f"| {what} | {seconds:.0f} | {vectors} | {days} | {serving} | {lists} |")


def main(
    folder: Path,
    preset: str = "shop",
    readers: Annotated[int, typer.Option(min=1)] = 2,
    place: Annotated[Path, typer.Option(help="Of the embedded server.")] = Path("var/changing"),
    *,
    retrain: Annotated[bool, typer.Option(help="Else both encoders have zero-shot models.")] = True,
) -> None:
    """Change the encoder of a folder, and tell."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    dsn = made_anew(embedded.start(place), "changing")
    warehouse = connect(read_settings(dsn=dsn, preset=preset))
    load_folder(warehouse, folder)
    here = Place(dsn, preset, warehouse)
    ((last,),) = here.found(LAST_DAY)
    typer.echo(
        "| command | seconds | vectors | days with interests, by model | serves | lists |\n"
        "| --- | --: | --- | --- | --- | --- |"
    )
    here.end("night", str(last - timedelta(days=1)))
    if retrain:
        here.end("train", "--no-second-stage")
        here.end("night", str(last - timedelta(days=1)))
    users = [user for (user,) in here.found(USERS)]
    over = Event()
    with ThreadPoolExecutor(readers) as pool:
        asking = [pool.submit(reads, dsn, users[first::readers], over) for first in range(readers)]
        try:
            said = change(here, str(last), retrain=retrain)
        finally:
            over.set()
    tell_reads([read for each in asking for read in each.result()])
    typer.echo(said)
    warehouse.close()


def change(here: Place, night: str, *, retrain: bool) -> str:
    """The commands, one after another; what was said of the two encoders, and of two models."""

    def is_embedding() -> bool:
        return len(here.found(VECTORS)) > 1

    def is_rebuilding() -> bool:
        return len(here.found(DAYS)) > n_models

    here.killed("encoders", "add", NAME, "--dim", str(DIM), when=is_embedding)
    here.end("encoders", "add", NAME, "--dim", str(DIM))
    said = here.end("encoders", "compare", NAME)
    if retrain:
        said += here.end("train", "--encoder", NAME, "--no-second-stage")
    n_models = len(here.found(DAYS))
    here.killed("encoders", "switch", NAME, when=is_rebuilding)
    here.end("night", night)
    here.end("encoders", "switch", NAME)
    here.end("night", night)
    here.end("encoders", "retire", "settings")
    return said


def tell_reads(done: list[Read]) -> None:
    """How readers fared."""
    seconds, entries, sources = map(np.array, zip(*done, strict=True))
    p50, p99 = 1e3 * np.percentile(seconds, [50, 99])
    typer.echo(
        f"{len(done):,} lists were read meanwhile: {(entries == 0).sum()} empty,"
        f" {(entries < LENGTH).sum()} shorter than {LENGTH}, {(sources > 1).sum()} of two nights or"
        f" models; median {p50:.1f} ms, 99th percentile {p99:.1f}, slowest"
        f" {1e3 * seconds.max():.0f}"
    )


if __name__ == "__main__":
    typer.run(main)
