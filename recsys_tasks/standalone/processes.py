"""Processes that are started, watched and stopped with all that they start themselves.

Each leads a session of its own. Airflow's tasks leave their parent's process group, so that a
group would not find them, but stay in the session.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from recsys_tasks.errors import AirflowFailed, ProcessesLeft

PATIENCE: Final = 15.0  # seconds that a task has to tell that it was stopped
LAST_PATIENCE: Final = 5.0  # seconds until a killed process is gone
TICK: Final = 0.1


@dataclass(frozen=True)
class Component:
    """A process of Airflow's."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def session(self) -> int:
        """The id of its session."""
        return self.process.pid


def start(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
) -> Component:
    """Start `airflow ...` at the head of a session of its own; what it says goes to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603  our own arguments
            [sys.executable, "-m", "airflow", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Component(name, log, process)


def refuse_ended(components: Iterable[Component]) -> None:
    """Notice at once when a component has ended.

    Raises:
        AirflowFailed: One has.
    """
    for component in components:
        if component.process.poll() is not None:
            raise AirflowFailed(command=component.name, log=component.log)


def stop(stages: Sequence[Collection[Component]]) -> None:
    """Stop the components of one stage after the other, with all that they started.

    They are asked first and killed after PATIENCE; at a second Ctrl-C at once.

    Raises:
        ProcessesLeft: The kernel does not let go of one.
    """
    with suppress(KeyboardInterrupt):
        for stage in stages:
            sessions = {component.session for component in stage}
            _signal(members(sessions), signal.SIGTERM)
            _wait(sessions, PATIENCE)
    everything = {component.session for stage in stages for component in stage}
    end(everything)
    for stage in stages:
        for component in stage:
            component.process.wait()


def end(sessions: Collection[int]) -> None:
    """Kill whatever lives in some sessions.

    Raises:
        ProcessesLeft: The kernel does not let go of one.
    """
    _signal(members(sessions), signal.SIGKILL)
    _wait(sessions, LAST_PATIENCE)
    if left := members(sessions):
        raise ProcessesLeft(pids=", ".join(str(process.pid) for process in left))


def members(sessions: Collection[int]) -> list[psutil.Process]:
    """The living processes of some sessions."""
    found = []
    for process in psutil.process_iter():
        # Any may end while it is looked at.
        with suppress(ProcessLookupError, psutil.NoSuchProcess, PermissionError):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and os.getsid(process.pid) in sessions:
                found.append(process)
    return found


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _wait(sessions: Collection[int], seconds: float) -> None:
    """Until nobody is left in some sessions, or time is up."""
    deadline = time.monotonic() + seconds
    while members(sessions) and time.monotonic() < deadline:
        time.sleep(TICK)


def remember(components: Iterable[Component], path: Path) -> None:
    """Write down which sessions there are, for the start after a launcher that was killed."""
    started = {
        str(component.session): psutil.Process(component.session).create_time()
        for component in components
        if component.process.poll() is None
    }
    path.write_text(json.dumps(started))


def end_remembered(path: Path) -> list[int]:
    """End what a killed launcher left behind.

    Returns:
        The sessions that were ended.
    """
    if not path.exists():
        return []
    remembered: dict[str, float] = json.loads(path.read_text() or "{}")
    left = [
        int(session) for session, begun in remembered.items() if _is_theirs(int(session), begun)
    ]
    end(left)
    path.unlink()
    return left


def _is_theirs(session: int, begun: float) -> bool:
    """Whether a session still is the one that was written down: ids are given out again.

    Its leader may have ended before its tasks, and then their age tells.
    """
    there = members({session})
    return bool(there) and min(process.create_time() for process in there) >= begun - 1
