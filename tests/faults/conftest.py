"""Fixtures: a server that may be killed, a small world, its last night step by step, a tally."""

import atexit
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import inf
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from encoders import save_tiny
from psycopg2.extensions import make_dsn

from recsys_tasks.settings import read_settings

from .places import DAYS, Place, Stage, database, open_world, staged
from .servers import Server
from .tally import Tally

MEMORY = Path("/dev/shm")  # noqa: S108  hundreds of databases are copied: not on a disk, where it can be
# What --faults asks for: so many times a sample.
TIMES = {"some": 1, "many": 8, "all": inf}
Some = TypeVar("Some")
_TALLY = pytest.StashKey[Tally]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that is marked so, some cases."""
    times = TIMES[config.getoption("--faults")]
    cases = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        if item.get_closest_marker("some"):
            cases[item.nodeid.partition("[")[0]].append(item)
    left_out = set[pytest.Item]()
    for name, those in cases.items():
        n = times * next(those[0].iter_markers("some")).args[0]
        if n < len(those):
            left_out |= {*those} - {*Random(name).sample(those, int(n))}
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[*left_out])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What was tried, and what became of it: the figures of docs/trust.md."""
    if tally := config.stash.get(_TALLY, None):
        terminalreporter.section("faults injected")
        for line in tally.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    return request.config.stash.setdefault(_TALLY, Tally())


@pytest.fixture(scope="session")
def some(request: pytest.FixtureRequest) -> Callable[[Sequence[Some], int], Sequence[Some]]:
    """So many of the places at which something can happen, or eight times as many, or all."""
    times = TIMES[request.config.getoption("--faults")]

    def choose(places: Sequence[Some], n: int) -> Sequence[Some]:
        if n * times >= len(places):
            return places
        chosen = Random(repr(places)).sample(range(len(places)), n * int(times))
        return [places[number] for number in sorted(chosen)]

    return choose


@pytest.fixture(scope="session")
def own_server() -> Server:
    """Not the one of the other tests: this one may be killed."""
    home = Path(tempfile.mkdtemp(prefix="ebbtide-faults-", dir=MEMORY if MEMORY.is_dir() else None))
    # The server stops with this process, and only then may its files go: last in, first out.
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return Server(home / "postgres")


@pytest.fixture(scope="session")
def server(own_server: Server) -> str:
    return own_server.dsn


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def untouched(server: str, encoder: Path) -> Iterator[Place]:
    """The world before its first night."""
    with database(server) as name:
        dsn = make_dsn(server, dbname=name)
        place = Place(server, name, read_settings(dsn=dsn, encoder=str(encoder), device="cpu"))
        open_world(place.settings)
        yield place


@pytest.fixture(scope="session")
def world(untouched: Place) -> Iterator[Place]:
    """The same before its last night."""
    with untouched.copied() as place:
        for day in DAYS[:-1]:
            place.run_night(day)
        yield place


@pytest.fixture(scope="session")
def stages(world: Place) -> Iterator[dict[str, Stage]]:
    """The last night, step by step, undisturbed."""
    with staged(world) as stages:
        yield stages
