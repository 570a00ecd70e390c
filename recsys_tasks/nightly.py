"""The night: its steps in order, each one exclusive transaction, each with a line in the ledger.

Order is the database's business: a lock per schema, the ledger `nights`, and steps that read what
they have to do from tables. So any night may run at any time, again, or beside another one.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import structlog

from recsys_tasks import ledger, sharding
from recsys_tasks.errors import BadSettings
from recsys_tasks.settings import Settings, fingerprint_of, gate_called, read_settings
from recsys_tasks.steps import (
    Counts,
    accumulate,
    check,
    embed_items,
    embedding,
    evaluate,
    extract,
    merge,
    publish,
    rank,
    refresh,
    topics,
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
    "topics": topics,
    "evaluate": evaluate,
}
STEPS = tuple(_MODULES)
REFRESH = "refresh"  # in the ledger; no step of the night


def run_step(
    step: str, day: date, settings: Settings | None = None, shard: int | None = None
) -> dict[str, int]:
    """Run one step of a night.

    Args:
        step: One of STEPS.
        day: The behaviour day.
        settings: Those of the environment where they are left out.
        shard: Make the lists of this shard alone: one of `plan_shards`, and the step `rank`.

    Returns:
        What it did, in numbers.

    Raises:
        EbbtideError: What went wrong; the step has left no trace but its line in the ledger.
    """
    settings = settings or read_settings()
    if shard is None or not sharding.has_tasks(settings):
        return dict(_run_step(_warehouse(settings), settings, step, day))
    if step != sharding.STEP:
        raise BadSettings(problem=f"The step {step} has no shards; {sharding.STEP} has")
    module_of(step, day)
    return dict(sharding.make(_warehouse(settings), settings, day, shard))


def plan_shards(day: date, settings: Settings | None = None) -> list[int]:
    """Prepare the step `rank` of a night, and say in which shards to run it, at once or not.

    Where there is one shard alone, its run is the whole step. A shard that is made stays made when
    it is run again, or planned again, unless something that lists are made from has changed.

    Args:
        day: The behaviour day.
        settings: Those of the environment where they are left out.

    Returns:
        What `run_step` takes for `shard`: a handful of small numbers.

    Raises:
        EbbtideError: What went wrong; the plan has left no trace but its line in the ledger.
    """
    settings = settings or read_settings()
    module_of(sharding.STEP, day)
    if not sharding.has_tasks(settings):
        return [0]
    return sharding.plan(_warehouse(settings), settings, day)


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


def open_gates(day: date, settings: Settings, names: Iterable[str]) -> None:
    """Write down which gates may not hold the night of a day, however it is run.

    Args:
        day: The behaviour day.
        settings: Of the tenant.
        names: Of the gates, as messages write them, or as files of sql/checks are called.

    Raises:
        BadSettings: One of them is no gate; none is opened.
    """
    gates = [gate_called(name) for name in names]
    if gates:
        with _warehouse(settings).transaction() as session:
            check.open_gates(session, day, gates)


def run_refresh(settings: Settings, day: date | None = None, active_days: int = 1) -> Counts:
    """Give whoever is active on a day that goes on lists from what it has brought so far.

    Args:
        settings: Of the tenant.
        day: The day; without it today, in UTC.
        active_days: Lists are for users active within so many days; 1 for that day's.

    Returns:
        What was done.
    """
    today = day or datetime.now(UTC).date()
    theirs = settings.model_copy(update={"refresh_days": active_days})
    return _run_step(_warehouse(settings), theirs, REFRESH, today)


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


def module_of(step: str, day: date) -> ModuleType:
    """The module of a step, or of REFRESH, that may run for a day.

    Raises:
        BadSettings: There is no such step, or the day has not begun.
    """
    module = refresh if step == REFRESH else _MODULES.get(step)
    if module is None:
        raise BadSettings(problem=f"{step!r} is no step; the steps are {', '.join(STEPS)}")
    # Its lists would be the newest, and hide those of every night until then.
    if day > datetime.now(UTC).date():
        raise BadSettings(problem=f"Day {day} has not begun")
    if day == datetime.now(UTC).date() and step == STEPS[0]:
        log.warning("the day is not over: repeat its night tomorrow", day=str(day))
    return module


def _run_step(warehouse: Warehouse, settings: Settings, step: str, day: date) -> Counts:
    module = module_of(step, day)
    if step == sharding.STEP:
        settings = sharding.divided(warehouse, settings, day)
    if step == sharding.STEP and sharding.has_tasks(settings):
        n_processes = sharding.processes_for(settings)
        counts = sharding.make_all(warehouse, settings, day, n_processes=n_processes)
    else:
        counts = _run_whole(
            warehouse, settings, module, ledger.Line(day, step, fingerprint_of(settings))
        )
    log.info("step done", day=day, step=step, **counts)
    return counts


def _run_whole(
    warehouse: Warehouse, settings: Settings, module: ModuleType, line: ledger.Line
) -> Counts:
    """Run a step in one transaction."""
    ledger.begin(warehouse, line)
    try:
        if module is embed_items:
            return _embed(warehouse, settings, line)
        with warehouse.transaction(exclusive=True) as session:
            counts: Counts = module.run(session, settings, line.day)
            ledger.finish(session, line, counts)
    except Exception as error:
        log.info("step failed", day=line.day, step=line.step, error=str(error))
        ledger.fail(warehouse, line, error)
        raise
    return counts


def _embed(warehouse: Warehouse, settings: Settings, line: ledger.Line) -> Counts:
    """Run embed_items; vectors of very many texts are committed in chunks before it."""
    n_ahead = 0
    while True:
        try:
            with warehouse.transaction(exclusive=True) as session:
                counts = embed_items.run(session, settings, line.day, embedding.MANY)
                counts = {**counts, "vectors": counts["vectors"] + n_ahead}
                ledger.finish(session, line, counts)
                return counts
        except embedding.ManyTexts as many:
            n_ahead += embedding.embed_ahead(warehouse, settings.encode_batch_size, many)


def _warehouse(settings: Settings) -> Warehouse:
    """One a process and tenant: connecting migrates, and may start the embedded server."""
    place = (settings.dsn, settings.var, settings.schema_name)
    if place not in _open:
        _open[place] = connect(settings)
    return _open[place]


_open: dict[tuple[str | None, Path, str], Warehouse] = {}
