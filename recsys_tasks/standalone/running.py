"""An Airflow that runs: started part by part as each is healthy, and stopped whole."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from recsys_tasks.errors import AirflowFailed, AirflowRunning
from recsys_tasks.standalone import configuration, processes
from recsys_tasks.standalone.following import Line, follow
from recsys_tasks.standalone.health import wait_until_healthy
from recsys_tasks.standalone.place import CHECKOUT, Place, refuse_taken_port
from recsys_tasks.standalone.processes import Component
from recsys_tasks.warehouse import embedded

PARTS: Final = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
ALL_WELL: Final = ("api_server", "metadatabase", "scheduler", "dag_processor", "triggerer")
STARTING: Final = 300.0  # seconds, on a machine that has much else to do


@dataclass(frozen=True)
class Airflow:
    """An Airflow that runs."""

    place: Place
    environment: Mapping[str, str]
    components: tuple[Component, ...]

    @property
    def passwords(self) -> Mapping[str, str]:
        """Of the web interface, by user."""
        return configuration.passwords(self.place)

    def lines(self) -> Iterator[Line]:
        """What the components log from now on, without end.

        Raises:
            AirflowFailed: One of them ended.
        """
        logs = {component.name: component.log for component in self.components}
        return follow(logs, lambda: processes.refuse_ended(self.components))


@contextmanager
def running(place: Place, on_stage: Callable[[str], None] = lambda _: None) -> Iterator[Airflow]:
    """Airflow, from healthy until the block ends; then none of its processes is left.

    A second start finds passwords, runs and logs of the first one.

    Args:
        place: Where, and on what.
        on_stage: Told what is being waited for.

    Raises:
        AirflowRunning: It runs already.
        PortTaken: The port is in use.
        AirflowFailed: A process ended.
        AirflowUnwell: A process is not healthy in time.
    """
    with _alone(place):
        refuse_taken_port(place)
        with _metadata(place, on_stage) as url:
            configuration.configure(place, url)
            configuration.passwords(place)
            environment = _environment(place)
            _migrate(place, environment, on_stage)
            components: list[Component] = []
            try:
                _start(place, environment, components, on_stage)
                yield Airflow(place, environment, tuple(components))
            finally:
                on_stage("every process to stop")
                # Tasks that are stopped tell the web server so: it goes last.
                processes.stop([components[1:], components[:1]])
                _remembered(place).unlink(missing_ok=True)


@contextmanager
def _metadata(place: Place, on_stage: Callable[[str], None]) -> Iterator[str]:
    """The SQLAlchemy URL of a metadata database that answers."""
    if place.metadata is not None:
        yield place.metadata
        return
    on_stage("the metadata database")
    server = place.database / "postgres"
    try:
        yield configuration.metadata_url(embedded.start(server))
    finally:
        embedded.stop(server)


def _start(
    place: Place,
    environment: Mapping[str, str],
    components: list[Component],
    on_stage: Callable[[str], None],
) -> None:
    """Start the components in order; tasks of a scheduler that finds no web server would fail."""

    def check() -> None:
        processes.refuse_ended(components)

    for name, arguments in PARTS.items():
        log = place.home / "logs" / f"{name}.log"
        components.append(processes.start(name, arguments, environment, log))
        processes.remember(components, _remembered(place))
        if name == "api-server":
            on_stage("the web server")
            wait_until_healthy(place, ("api_server", "metadatabase"), check, STARTING)
    on_stage("scheduler, DAG processor and triggerer")
    wait_until_healthy(place, ALL_WELL, check, STARTING)


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """Keep others out of the home, and end what a killed launcher left in it.

    Raises:
        AirflowRunning: Somebody is in it.
    """
    place.home.mkdir(parents=True, exist_ok=True)
    with (place.home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise AirflowRunning(home=place.home, where=lock.read().strip()) from error
        lock.truncate(0)
        lock.write(f"{place.url}, process {os.getpid()}")
        lock.flush()
        processes.end_remembered(_remembered(place))
        yield


def _remembered(place: Place) -> Path:
    return place.home / "processes.json"


def _environment(place: Place) -> Mapping[str, str]:
    """Of every process: the present one's, and what makes it find this Airflow and this code."""
    paths = [str(CHECKOUT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        **place.variables,
        "AIRFLOW_HOME": str(place.home),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


def _migrate(place: Place, environment: Mapping[str, str], on_stage: Callable[[str], None]) -> None:
    """Bring the metadata database up to date, unless this very Airflow has done so.

    Raises:
        AirflowFailed: It cannot be.
    """
    done_by = place.database / "migrated-by"  # goes when the database goes
    installed = version("apache-airflow-core")
    if place.metadata is None and done_by.exists() and done_by.read_text() == installed:
        return
    on_stage("the metadata database's tables")
    log = place.home / "logs" / "migrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(  # noqa: S603  our own arguments
            command, env=environment, stdout=file, stderr=file, check=False
        )
    if done.returncode:
        raise AirflowFailed(command="db migrate", log=log)
    done_by.parent.mkdir(exist_ok=True)
    done_by.write_text(installed)
