"""Databases of a server, each a copy of another one: a place to run a step in, disturbed or not."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from itertools import count
from typing import NamedTuple

import numpy as np
import psycopg2
from encoders import WORDS
from psycopg2.extensions import make_dsn
from sources import NIGHT, Row, add_events, add_items, create_source, noon

from recsys_tasks import nightly
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect

from .contents import State, state_of
from .injecting import Script, watched

N_USERS, N_ITEMS = 10, 20
DAYS = tuple(NIGHT + timedelta(days=n) for n in range(3))
LAST = DAYS[-1]
TYPES = ("purchase", "view", "return", "rating", "comment", "search")

_numbers = count()


class Stage(NamedTuple):
    """A step of the last night, undisturbed.

    Attributes:
        step: Its name.
        place: The database as it was before it.
        points: Where it can be disturbed.
        before: What the schema held before it.
        after: And when the step was done.
    """

    step: str
    place: "Place"
    points: tuple[str, ...]
    before: State
    after: State


class Place(NamedTuple):
    """A database, and settings that name it."""

    server: str
    name: str
    settings: Settings

    @property
    def dsn(self) -> str:
        """Of the database."""
        return str(self.settings.dsn)

    def state(self) -> State:
        """What its schema holds."""
        return state_of(self.dsn, self.settings.schema_name)

    @contextmanager
    def copied(self) -> Iterator["Place"]:
        """The same database once more, gone afterwards; nobody may be connected to this one."""
        with database(self.server, template=self.name) as name:
            dsn = make_dsn(self.server, dbname=name)
            yield Place(self.server, name, self.settings.model_copy(update={"dsn": dsn}))

    def run(self, step: str, day: date = LAST, script: Script | None = None) -> Script:
        """Run a step as a task does: over connections of its own, which end with it."""
        with watched(script or Script()) as watching:
            try:
                nightly.run_step(step, day, self.settings)
            finally:
                for warehouse in nightly._open.values():
                    warehouse.close()
                nightly._open.clear()
        return watching

    def run_night(self, day: date = LAST) -> None:
        """Run all steps."""
        for step in nightly.STEPS:
            self.run(step, day)


@contextmanager
def database(server: str, template: str = "template1") -> Iterator[str]:
    """The name of a database that is gone afterwards."""
    name = f"faults_{next(_numbers)}"
    administer(server, f'create database "{name}" template "{template}" strategy file_copy')
    try:
        yield name
    finally:
        administer(server, f'drop database "{name}" with (force)')


def administer(server: str, *statements: str) -> None:
    """Run statements, each by itself."""
    connection = psycopg2.connect(server)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


def open_world(settings: Settings, days: tuple[date, ...] = DAYS) -> None:
    """A migrated schema and a source: ten users, twenty items, a few days."""
    warehouse = connect(settings)
    create_source(warehouse)
    add_items(warehouse, *made_items())
    add_events(warehouse, *made_events(days))
    warehouse.close()


def made_items() -> list[Row]:
    """Titles of two words of their own, whatever ran before."""
    words = [f"{first} {second}" for first in WORDS for second in WORDS]
    return [{"item_id": f"i{n:02}", "title": words[7 * n % 100]} for n in range(N_ITEMS)]


def made_events(days: tuple[date, ...] = DAYS, seed: int = 0, n: int = 25) -> list[Row]:
    """So many events a day, of every kind, and one of a kind that nobody knows."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for day in days:
        for number in range(n):
            kind = str(rng.choice(TYPES)) if number else "moan"
            says = kind in ("comment", "search")
            rows.append({
                "event_id": f"{day}-{seed}-{number:02}",
                "user_id": f"u{rng.integers(N_USERS)}",
                "item_id": None if kind == "search" else f"i{rng.integers(N_ITEMS):02}",
                "event_type": kind,
                "value": float(rng.integers(1, 6)) if kind == "rating" else None,
                "text": " ".join(rng.choice(WORDS, 3)) if says else None,
                "occurred_at": noon(day) + timedelta(seconds=int(rng.integers(-43200, 43200))),
            })
    return rows


@contextmanager
def staged(place: Place) -> Iterator[dict[str, Stage]]:
    """The last night of a place, step by step, undisturbed."""
    stages = {}
    with ExitStack() as kept:
        for step in nightly.STEPS:
            then = kept.enter_context(place.copied())
            points = tuple(then.run(step).points)
            stages[step] = Stage(step, place, points, place.state(), then.state())
            place = then
        yield stages
