"""Where an Airflow lives, and what it works on."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recsys_tasks.errors import BadSettings, PortTaken
from recsys_tasks.settings import Settings, variable_of

CHECKOUT = Path(__file__).parents[2]
WORKERS = max(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class Place:
    """Where an Airflow lives, and what it works on.

    Args:
        home: Its folder: settings, passwords, logs, metadata database.
        port: Of the web interface.
        host: Address that the web interface listens on.
        dags: Folder of the DAGs.
        plugins: Folder of the plugins.
        parallelism: Tasks that may run at once; each is a process.
        variables: Environment of every process beside the present one: RECSYS_DSN and its like.
        options: Airflow's own settings by section and name; they win over ours.
        metadata: SQLAlchemy URL of the metadata database; None for an embedded server under home.
    """

    home: Path
    port: int
    host: str = "127.0.0.1"
    dags: Path = CHECKOUT / "dags"
    plugins: Path = CHECKOUT / "plugins"
    parallelism: int = WORKERS
    variables: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[tuple[str, str], str] = field(default_factory=dict)
    metadata: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether nobody else's machine reaches the web interface."""
        return self.host in {"127.0.0.1", "localhost", "::1"}

    @property
    def near_host(self) -> str:
        """How this machine itself reaches the web interface."""
        return "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  compared, not bound

    @property
    def database(self) -> Path:
        """Folder of the embedded metadata database."""
        return self.home / "database"

    @property
    def url(self) -> str:
        """Of the web interface, for a browser on this machine."""
        return f"http://{'localhost' if self.is_local else self.near_host}:{self.port}"


def place_of(settings: Settings, dsn: str, port: int, host: str = "127.0.0.1") -> Place:
    """The place of an installation: `airflow` in the folder of its embedded server.

    Args:
        settings: Of the tenant; what the environment says beside them reaches the tasks as it is.
        dsn: Of the warehouse, already connected to.
        port: Of the web interface.
        host: Address that it listens on.

    Raises:
        BadSettings: This is no checkout, so there are no DAGs.
    """
    place = Place(
        home=settings.var.resolve() / "airflow",
        port=port,
        host=host,
        variables={
            variable_of("dsn"): dsn,
            variable_of("schema_name"): settings.schema_name,
            variable_of("preset"): settings.preset,
            variable_of("var"): str(settings.var.resolve()),
        },
    )
    if not place.dags.is_dir():
        problem = f"Airflow's DAGs come with a checkout; {place.dags} is not there"
        raise BadSettings(problem=problem)
    return place


def refuse_taken_port(place: Place) -> None:
    """Find out before anything starts.

    Raises:
        PortTaken: Something listens there.
        BadSettings: The host is no address of this machine.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the web server will: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.host, place.port))
        except PermissionError as error:
            problem = f"Port {place.port} needs root's rights: choose one above 1023"
            raise BadSettings(problem=problem) from error
        except OSError as error:
            if error.errno == 98 or "in use" in str(error):  # noqa: PLR2004
                raise PortTaken(port=place.port, other=place.port + 1) from error
            problem = f"Host {place.host!r} is no address of this machine ({error.strerror})"
            raise BadSettings(problem=problem) from error
