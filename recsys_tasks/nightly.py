"""The night: its steps in order, each one exclusive transaction, each with a line in the ledger.

Order is the database's business: a lock per schema, the ledger `nights`, and steps that read what
they have to do from tables. So any night may run at any time, again, or beside another one.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import structlog

from recsys_tasks.errors import BadSettings, first_line
from recsys_tasks.settings import Settings, fingerprint_of, read_settings
from recsys_tasks.steps import (
    Counts,
    accumulate,
    check,
    embed_items,
    evaluate,
    extract,
    merge,
    publish,
    rank,
    refresh,
)
from recsys_tasks.warehouse import Warehouse, connect

log = structlog.get_logger()

_MODULES: dict[str, ModuleType] = {
    "extract": extract,
    "embed_items": embed_items,
    "accumulate": accumulate,
    "merge": merge,
    "rank": rank,
    "check": check,
    "publish": publish,
    "evaluate": evaluate,
}
STEPS = tuple(_MODULES)
REFRESH = "refresh"  # in the ledger; no step of the night


def run_step(step: str, day: date, settings: Settings | None = None) -> dict[str, int]:
    """Run one step of a night.

    Args:
        step: One of STEPS.
        day: The behaviour day.
        settings: Those of the environment where they are left out.

    Returns:
        What it did, in numbers.

    Raises:
        EbbtideError: What went wrong; the step has left no trace but its line in the ledger.
    """
    settings = settings or read_settings()
    return dict(_run_step(_warehouse(settings), settings, step, day))


def run_night(
    settings: Settings, day: date, on_step: Callable[[str], None] | None = None
) -> dict[str, Counts]:
    """Run a night's steps in order.

    Args:
        settings: Of the tenant.
        day: The behaviour day.
        on_step: Told the name of each step that begins.

    Returns:
        What each step did.
    """
    done: dict[str, Counts] = {}
    for step in STEPS:
        if on_step:
            on_step(step)
        done[step] = _run_step(_warehouse(settings), settings, step, day)
    return done


def run_refresh(settings: Settings, day: date | None = None) -> Counts:
    """Give whoever is active on a day that goes on lists from what it has brought so far.

    Args:
        settings: Of the tenant.
        day: The day; without it today, in UTC.

    Returns:
        What was done.
    """
    today = day or datetime.now(UTC).date()
    return _run_step(_warehouse(settings), settings, REFRESH, today)


def days_between(since: date, until: date) -> Iterator[date]:
    """The days of [since, until), ascending.

    Raises:
        BadSettings: There is none.
    """
    if since >= until:
        raise BadSettings(
            problem=f"There is no night from {since} until {until} (which is not included)"
        )
    return (since + timedelta(days=n) for n in range((until - since).days))


def _run_step(warehouse: Warehouse, settings: Settings, step: str, day: date) -> Counts:
    module = refresh if step == REFRESH else _MODULES.get(step)
    if module is None:
        raise BadSettings(problem=f"{step!r} is no step; the steps are {', '.join(STEPS)}")
    # Its lists would be the newest, and hide those of every night until then.
    if day > datetime.now(UTC).date():
        raise BadSettings(problem=f"Day {day} has not begun")
    if day == datetime.now(UTC).date() and step == STEPS[0]:
        log.warning("the day is not over: repeat its night tomorrow", day=str(day))
    entry = {"day": day, "step": step, "fingerprint": fingerprint_of(settings)}
    with warehouse.transaction() as session:
        session.execute("begin_step", **entry, started_at=datetime.now(UTC))
    try:
        with warehouse.transaction(exclusive=True) as session:
            counts: Counts = module.run(session, settings, day)
            session.execute(
                "finish_step",
                **entry,
                state="done",
                counts=json.dumps(dict(counts)),
                error=None,
                note="; ".join(session.notes) or None,
                finished_at=datetime.now(UTC),
            )
    except Exception as error:
        log.info("step failed", day=day, step=step, error=str(error))
        _record_failure(warehouse, entry, error)
        raise
    log.info("step done", day=day, step=step, **counts)
    return counts


def _record_failure(warehouse: Warehouse, entry: dict[str, object], error: Exception) -> None:
    """Write a failure down, unless the database is what failed."""
    try:
        with warehouse.transaction() as session:
            session.execute(
                "finish_step",
                **entry,
                state="failed",
                counts="{}",
                error=first_line(error),
                note=None,
                finished_at=datetime.now(UTC),
            )
    except Exception as unrecorded:  # noqa: BLE001  the first error is the one to tell
        log.warning("failure not recorded", error=str(unrecorded))


def _warehouse(settings: Settings) -> Warehouse:
    """One a process and tenant: connecting migrates, and may start the embedded server."""
    place = (settings.dsn, settings.var, settings.schema_name)
    if place not in _open:
        _open[place] = connect(settings)
    return _open[place]


_open: dict[tuple[str | None, Path, str], Warehouse] = {}
