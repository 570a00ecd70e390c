"""What several logs say from now on, line by line."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

TICK: Final = 0.3
# Airflow's own words for what has ended, and how its lines of a level begin.
FINISHED: Final = re.compile(
    r"(?:TaskInstance|DagRun) Finished: dag_id=(?P<dag>[^,]+),"
    r"(?: task_id=(?P<task>[^,]+),)?.*? run_id=(?P<run>[^,]+),"
    r".*?run_duration=(?P<seconds>[\d.]+), state=(?P<state>\w+)"
)
ALARMING: Final = re.compile(r"^\S+( \S+)? \[(warning|error|critical) *\] ")
PYTHON: Final = "[py.warnings]"  # of libraries, to Airflow's developers


class Line(NamedTuple):
    """A line of a log."""

    component: str
    text: str


def follow(logs: Mapping[str, Path], check: Callable[[], None]) -> Iterator[Line]:
    """Lines as they are written, without end.

    Args:
        logs: Files by component; one that is not there yet is awaited.
        check: Called between two looks; raises when there is nothing left to wait for.
    """
    read = {
        component: path.stat().st_size if path.exists() else 0 for component, path in logs.items()
    }
    while True:
        for component, path in logs.items():
            text, read[component] = _whole_lines(path, read[component])
            yield from (Line(component, line) for line in text.splitlines())
        check()
        time.sleep(TICK)


def _whole_lines(path: Path, since: int) -> tuple[str, int]:
    """The lines that are finished, and where the next one begins."""
    if not path.exists():
        return "", since
    with path.open("rb") as file:
        file.seek(since)
        written = file.read()
    whole = written[: written.rfind(b"\n") + 1]
    return whole.decode(errors="replace"), since + len(whole)


def in_short(line: Line) -> str | None:
    """What a line says to who looks on; None where it is for who searches.

    >>> said = "DagRun Finished: dag_id=a, run_id=b, run_duration=1.25, state=success"
    >>> in_short(Line("scheduler", said)), in_short(Line("scheduler", "12:00 [info ] tick"))
    ('a  run  success  1.2 s  (b)', None)
    """
    if found := FINISHED.search(line.text):
        dag, task, run, seconds, state = found.group("dag", "task", "run", "seconds", "state")
        return f"{dag}  {task or 'run'}  {state}  {float(seconds):.1f} s  ({run})"
    if ALARMING.match(line.text) and PYTHON not in line.text:
        return f"{line.component}: {line.text}"
    return None
