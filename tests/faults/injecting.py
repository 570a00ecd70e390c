"""Faults at a point of a run: before a statement, before a commit, or after it.

A run's connections are made by a factory that counts what goes over them; at the point that is
asked for something is done to the connection, or to the process. Whatever the database says of it,
it says itself: no error of the driver is made up here.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import psycopg2
import pytest
from psycopg2 import extensions

Act = Callable[[extensions.connection], None]
COMMITTED = "committed"
_connect = psycopg2.connect


@dataclass
class Script:
    """What happens in a run.

    Attributes:
        at: The point at which it happens, counted from 0; None for never.
        act: What happens.
        points: How each point so far begins.
    """

    at: int | None = None
    act: Act | None = None
    points: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """Whether the run came to the point."""
        return self.at is not None and len(self.points) > self.at

    def meet(self, connection: extensions.connection, point: str) -> None:
        """Count a point, and let happen what is due."""
        self.points.append(point)
        if self.act and len(self.points) - 1 == self.at:
            self.act(connection)


class _Cursor(extensions.cursor):  # type: ignore[misc]
    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002, ANN401  the driver's
        _Connection.script.meet(self.connection, _beginning(query))
        super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:  # noqa: ANN401  as above
        _Connection.script.meet(self.connection, _beginning(sql))
        super().copy_expert(sql, file, size)


class _Connection(extensions.connection):  # type: ignore[misc]
    script: ClassVar[Script]

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = _Cursor

    def commit(self) -> None:
        self.script.meet(self, "commit")
        super().commit()
        self.script.meet(self, COMMITTED)


@contextmanager
def watched(script: Script) -> Iterator[Script]:
    """Let the script follow every connection that is made meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Connection, "script", script, raising=False)
        patch.setattr(psycopg2, "connect", partial(_connect, connection_factory=_Connection))
        yield script


def plain(connection: extensions.connection) -> extensions.cursor:
    """A cursor whose statements are not counted."""
    return connection.cursor(cursor_factory=extensions.cursor)


def lose(connection: extensions.connection) -> None:
    """The server ends the session; who uses it next is told by the driver."""
    pid = connection.info.backend_pid
    other = _connect(connection.dsn)
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 5000)", (pid,))
    other.close()
    plain(connection).execute("select 1")


def fail_with(code: str) -> Act:
    """The server refuses with an SQLSTATE, as it does where it cannot go on."""

    def fail(connection: extensions.connection) -> None:
        statement = f"do $$ begin raise exception 'injected' using errcode = '{code}'; end $$"
        plain(connection).execute(statement)

    return fail


def time_out(connection: extensions.connection) -> None:
    """A statement takes longer than the server allows."""
    plain(connection).execute("set local statement_timeout to '1ms'; select pg_sleep(5)")


def exhaust_memory(connection: extensions.connection) -> None:
    """The process cannot have the memory that it asks for."""
    del connection
    raise MemoryError


def interrupt(connection: extensions.connection) -> None:
    """Somebody presses Ctrl-C, or a scheduler asks the task to end."""
    del connection
    raise KeyboardInterrupt


def die(connection: extensions.connection) -> None:
    """Kill -9: nothing is said to anybody."""
    del connection
    os.kill(os.getpid(), signal.SIGKILL)


# What happens in the process of the run, by name.
FAULTS: dict[str, Act] = {
    "connection lost": lose,
    "statement timeout": time_out,
    "serialization failure": fail_with("40001"),
    "deadlock": fail_with("40P01"),
    "lock not available": fail_with("55P03"),
    "disk full": fail_with("53100"),
    "server out of memory": fail_with("53200"),
    "out of memory": exhaust_memory,
    "interrupted": interrupt,
}
# After a commit there is no statement that the server could refuse.
AFTER_COMMIT = frozenset({"connection lost", "out of memory", "interrupted"})


def _beginning(statement: object) -> str:
    return " ".join(str(statement).split())[:60]
