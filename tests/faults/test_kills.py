"""kill -9: of the task, of the task while its statement runs, of a session's server, of all."""

import os
import signal
import time
from collections.abc import Callable, Sequence

import psycopg2
import pytest
from psycopg2 import extensions

from recsys_tasks import nightly
from recsys_tasks.errors import DatabaseUnavailable

from .children import running, start
from .disturbed import assert_told, assert_whole
from .injecting import COMMITTED, Script, plain
from .places import Place, Stage, administer
from .servers import Server
from .tally import Tally

Choose = Callable[[Sequence[int], int], Sequence[int]]
# A table that each step changes, and that its statements have to wait for.
WRITTEN = {
    "extract": "interactions",
    "embed_items": "text_vectors",
    "accumulate": "daily_interests",
    "merge": "interest_totals",
    "rank": "draft_lists",
    "publish": "published_nights",
    "evaluate": "evaluations",
}


@pytest.mark.some(4)
@pytest.mark.parametrize("step", nightly.STEPS)
def test_a_task_is_killed(stages: dict[str, Stage], some: Choose, tally: Tally, step: str) -> None:
    stage = stages[step]
    for at in some(range(len(stage.points)), 1):
        with tally.injection("kill -9 of the task"), stage.place.copied() as place:
            child = start(place, step, at=at)
            child.join()
            assert child.exitcode == -signal.SIGKILL
            assert_made_up_for(stage, place)


@pytest.mark.some(3)
@pytest.mark.parametrize("step", WRITTEN)
def test_a_task_is_killed_while_the_server_works_for_it(
    stages: dict[str, Stage], tally: Tally, step: str
) -> None:
    """Its statement goes on when nobody waits for it any more: the retry has to."""
    stage = stages[step]
    with tally.injection("kill -9 within a statement"), stage.place.copied() as place:
        holder = psycopg2.connect(place.dsn)
        holder.cursor().execute(f"lock table recsys.{WRITTEN[step]} in share mode")
        with running(place, step):
            wait_for_a_waiting_session(holder)
        holder.close()
        place.run(step)
        assert_whole(stage, place.state())


@pytest.mark.some(1)
@pytest.mark.parametrize("step", ["extract", "merge", "publish"])
def test_a_session_of_the_server_is_killed(
    stages: dict[str, Stage], some: Choose, tally: Tally, own_server: Server, step: str
) -> None:
    """The server then ends all its sessions, and recovers."""
    stage = stages[step]
    for at in some(statements_of(stage), 1):
        with tally.injection("kill -9 of a session's server"), stage.place.copied() as place:
            disturb(stage, place, at, kill_session)
            wait_until_ready(own_server)
            assert_made_up_for(stage, place)


@pytest.mark.some(1)
@pytest.mark.parametrize("step", ["embed_items", "rank", "publish"])
def test_the_server_is_killed(
    stages: dict[str, Stage], some: Choose, tally: Tally, own_server: Server, step: str
) -> None:
    stage = stages[step]

    def kill(connection: extensions.connection) -> None:
        own_server.kill()
        plain(connection).execute("select 1")

    for at in some(range(len(stage.points)), 1):
        with tally.injection("kill -9 of the server"), stage.place.copied() as place:
            disturb(stage, place, at, kill)
            own_server.start()
            assert_made_up_for(stage, place)


def disturb(
    stage: Stage, place: Place, at: int, act: Callable[[extensions.connection], None]
) -> None:
    with pytest.raises(DatabaseUnavailable):
        place.run(stage.step, script=Script(at, act))


def assert_made_up_for(stage: Stage, place: Place) -> None:
    assert_told(stage, place.state())
    place.run(stage.step)
    assert_whole(stage, place.state())


def statements_of(stage: Stage) -> list[int]:
    return [at for at, point in enumerate(stage.points) if point != COMMITTED]


def kill_session(connection: extensions.connection) -> None:
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    plain(connection).execute("select 1")


def wait_for_a_waiting_session(holder: extensions.connection, seconds: float = 60) -> None:
    """Until somebody waits for what the holder has locked."""
    until = time.monotonic() + seconds
    with holder.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(
                "select count(*) from pg_locks where not granted and locktype = 'relation'"
                " and database = (select oid from pg_database where datname = current_database())"
            )
            if cursor.fetchone() != (0,):
                return
            time.sleep(0.02)
    pytest.fail("the step did not come to the table that was locked")


def wait_until_ready(server: Server, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            administer(server.dsn, "select 1")
        except psycopg2.OperationalError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return
