"""The most memory that a piece of work held: this process and its children, and Postgres."""

from threading import Event, Thread
from time import thread_time
from types import TracebackType
from typing import Self

import psutil
import psycopg2

EVERY = 0.2  # seconds
SHARE = 0.01  # of the time: a look walks the page tables of processes that hold gigabytes
GIB = 2**30


class Watch:
    """Looks at memory while a block runs.

    Pages that processes share, as Postgres's buffers, count once (the proportional set size).

    Attributes:
        program: Most that this process and its children held, in GiB.
        postgres: Most that the server held, its buffers among it; 0 where it runs elsewhere.
        both: Most that they held at once.
    """

    def __init__(self, dsn: str) -> None:
        """Watch this process, and the server of a DSN where it is on this machine."""
        self.program = self.postgres = self.both = 0.0
        self._server = _server_of(dsn)
        self._done = Event()
        self._thread = Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look_on(self) -> None:
        """Until the block ends, and once more."""
        rest = EVERY
        while not self._done.wait(rest):
            start = thread_time()
            self._look()
            rest = max(EVERY, (thread_time() - start) / SHARE)
        self._look()

    def _look(self) -> None:
        servers = _family(self._server) if self._server else []
        known = {process.pid for process in servers}
        mine = [process for process in _family(psutil.Process()) if process.pid not in known]
        program, postgres = _held(mine), _held(servers)
        self.program = max(self.program, program)
        self.postgres = max(self.postgres, postgres)
        self.both = max(self.both, program + postgres)


def _server_of(dsn: str) -> psutil.Process | None:
    """The server's first process."""
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        pid = cursor.fetchone()[0]
        process = psutil.Process(pid) if psutil.pid_exists(pid) else None
        found = process.parent() if process and process.name().startswith("postgres") else None
    connection.close()
    return found


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _held(processes: list[psutil.Process]) -> float:
    """GiB; a process that has ended meanwhile holds nothing."""
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / GIB
