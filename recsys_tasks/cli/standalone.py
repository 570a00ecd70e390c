"""The command that runs Airflow on this machine."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Annotated

import typer

from recsys_tasks.cli.options import Dsn, Preset, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.standalone import Airflow, in_short, place_of, running
from recsys_tasks.warehouse import connect


def airflow(
    *,
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Of the web interface.")
    ] = 8080,
    host: Annotated[
        str, typer.Option("--host", help="Address that the web interface listens on.")
    ] = "127.0.0.1",
    every_line: Annotated[
        bool, typer.Option("--every-line", help="Show whole logs, not only what ended or failed.")
    ] = False,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Run Airflow on this machine, until Ctrl-C: for one person, not for production."""
    settings = settings_of(dsn, schema, preset)
    start = perf_counter()
    with _ended_by_signals(), suppress(KeyboardInterrupt):
        warehouse = connect(settings)
        place = place_of(settings, warehouse.dsn, port, host)
        with ERRORS.console.status("Airflow") as status:

            def on_stage(stage: str) -> None:
                status.start()
                status.update(f"waiting for {stage}")

            with running(place, on_stage) as ready:
                status.stop()
                _tell(ready, perf_counter() - start)
                for line in ready.lines():
                    said = " | ".join(line) if every_line else in_short(line)
                    if said is not None:
                        ANSWERS.print(said)
    ANSWERS.print("Airflow is stopped.")


def _tell(ready: Airflow, seconds: float) -> None:
    """Where it is, how to log in, and what to do first."""
    logins = ", ".join(f"{user} / {password}" for user, password in ready.passwords.items())
    ANSWERS.print(
        f"Airflow is healthy, after {seconds:.0f} s.\n"
        f"  address   {ready.place.url}\n"
        f"  login     {logins}\n"
        f"  logs      {ready.place.home / 'logs'}\n"
        "A new DAG is paused: switch it on, or trigger it with a day. Ctrl-C stops everything.\n"
    )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Whatever ends this process politely ends Airflow with it: kill, or a closed terminal."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    kept = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, kept, strict=True):
            signal.signal(number, handler)


COMMANDS = (airflow,)
