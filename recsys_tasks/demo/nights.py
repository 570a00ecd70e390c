"""The demo's course: load, replay a stretch of nights, run the last one through Airflow, tell."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from rich.console import Console

from recsys_tasks.demo import telling
from recsys_tasks.demo.films import movielens
from recsys_tasks.errors import AirflowFailed, BadSettings, BadSource
from recsys_tasks.loading import load_folder
from recsys_tasks.nightly import run_night
from recsys_tasks.settings import Settings, variable_of
from recsys_tasks.terminal import progress
from recsys_tasks.warehouse import Warehouse, connect

DAGS = Path(__file__).parents[2] / "dags"
N_NIGHTS = 61
FOUND_BY = {"RECSYS_SCHEMA", "RECSYS_PRESET"}  # what a later command needs, to find it all


def run(console: Console, settings: Settings, folder: Path | None = None) -> None:
    """Run the demo on MovieLens small, or on a folder in the source contract.

    Args:
        console: What is told goes there.
        settings: Where they name no DSN, the embedded server keeps a database for each demo.
        folder: None for MovieLens, whose preset is media.

    Raises:
        BadSettings: This is no checkout, so there is no DAG to run; or a database is named that has
            events already.
        BadSource: The folder cannot be loaded, or nothing happened in it.
        AirflowFailed: The last night failed there.
    """
    if not DAGS.is_dir():
        raise BadSettings(problem=f"The demo runs from a checkout; {DAGS} is not there")
    settings = _at_home(settings, folder)
    warehouse = connect(settings)
    if settings.dsn:
        _refuse_used(warehouse)
    _load(console, warehouse, folder or _films(settings.var / "movielens"))
    days = _stretch(warehouse, settings, is_own=folder is not None)
    _replay(console, settings, days[:-1])
    _run_with_airflow(console, settings, warehouse.dsn, days[-1])
    since, until = days[0], days[-1] + timedelta(days=1)
    found_by = FOUND_BY if settings.dsn else {*FOUND_BY, "RECSYS_VAR"}
    environment = {name: text for name, text in _environment(settings).items() if name in found_by}
    telling.tell(console, warehouse, since, until, environment=environment)


def _at_home(settings: Settings, folder: Path | None) -> Settings:
    """The settings with a server of the demo's own, so that two demos do not mix."""
    changes: dict[str, object] = {}
    if settings.dsn is None:
        changes["var"] = settings.var / f"demo-{folder.resolve().name if folder else 'movielens'}"
    if folder is None:
        changes["preset"] = "media"
    return settings.model_copy(update=changes)


def _refuse_used(warehouse: Warehouse) -> None:
    """Keep the demo's rows out of somebody's tables."""
    with warehouse.transaction() as session:
        if session.value("source_has_tables") and session.row("first_event_of_source"):
            problem = (
                "The database of RECSYS_DSN has events in schema app, and the demo would add its"
                " own: unset RECSYS_DSN, or name an empty database"
            )
            raise BadSettings(problem=problem)


def _films(folder: Path) -> Path:
    movielens(folder)
    return folder


def _load(console: Console, warehouse: Warehouse, folder: Path) -> None:
    """Load the folder, and say what became of its rows."""
    with console.status(f"loading {folder.name}"):
        reports = load_folder(warehouse, folder)
    for report in reports:
        rejected = "".join(f", {n:,} rejected ({why})" for why, n in report.rejected.items())
        console.print(f"{report.file}: {report.kept:,} rows{rejected}", markup=False)
        if report.truncated:
            console.print(f"{report.file}: {report.truncated}", markup=False)


def _stretch(warehouse: Warehouse, settings: Settings, *, is_own: bool) -> list[date]:
    """The days whose nights run: of an own folder the last ones, of MovieLens the liveliest.

    Raises:
        BadSource: There are no two days with interactions.
    """
    with warehouse.transaction() as session:
        session.map_source(settings.source)
        rows = session.rows("days_of_source")
    if len(rows) < 2:  # noqa: PLR2004  one to learn from, one to judge by
        raise BadSource(
            place="events", problem="the demo needs at least two days on which users act"
        )
    days, n_returning = zip(*rows, strict=True)
    start = len(days) - N_NIGHTS if is_own else liveliest(n_returning, N_NIGHTS)
    return list(days[max(start, 0) :][:N_NIGHTS])


def liveliest(n_returning: Sequence[int], length: int) -> int:
    """Where the stretch of `length` days with most returning users starts; of equals the last.

    Users who come back are whom a list of the night before can be judged by.

    >>> liveliest([0, 2, 3, 1, 1, 4], 2)
    4
    """
    starts = range(max(len(n_returning) - length, 0) + 1)
    return max(starts, key=lambda start: (sum(n_returning[start : start + length]), start))


def _replay(console: Console, settings: Settings, days: Sequence[date]) -> None:
    """Run the nights in order; days on which nothing happened need none."""
    console.print(
        f"Replaying {len(days)} nights, {days[0]} to {days[-1]}; the first one takes in all that"
        " came before it and embeds the texts."
    )
    start = perf_counter()
    with progress(console) as bar:
        task = bar.add_task("nights", total=len(days))
        for day in days:
            bar.update(task, description=f"night {day}")
            run_night(settings, day)
            bar.advance(task)
    console.print(f"Done in {perf_counter() - start:.0f} s.")


def _run_with_airflow(console: Console, settings: Settings, dsn: str, day: date) -> None:
    """Run a night as Airflow does, with a metadata database of the demo's own.

    Raises:
        AirflowFailed: It failed; its log says why.
    """
    home = settings.var.resolve() / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    environment = (
        os.environ
        | _environment(settings)
        | {
            variable_of("dsn"): dsn,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
    )
    run = ["dags", "test", "nightly_recommendations", "--conf", json.dumps({"day": str(day)})]
    start = perf_counter()
    with console.status(f"night {day} through Airflow"), (home / "demo.log").open("w") as log:
        for arguments in (["db", "migrate"], run):
            command = [sys.executable, "-m", "airflow", *arguments]
            done = subprocess.run(command, env=environment, stdout=log, stderr=log, check=False)  # noqa: S603
            if done.returncode:
                raise AirflowFailed(command=" ".join(arguments[:2]), log=log.name)
    console.print(f"Night {day} through Airflow: {perf_counter() - start:.0f} s.")


def _environment(settings: Settings) -> dict[str, str]:
    """The RECSYS_ variables that say what the settings say, but the DSN: it may hold a password."""
    changed: Mapping[str, object] = settings.model_dump(mode="json", exclude_defaults=True)
    return {variable_of(name): _text(value) for name, value in changed.items() if name != "dsn"}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
