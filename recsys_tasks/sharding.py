"""A night's lists in shards: planned once, made apart and perhaps at once, told in the ledger.

The plan is one exclusive transaction of the schema; a shard's transaction shares the schema with
other shards alone. So nothing that lists are made from changes while a shard is made, and what
changes between two shards is seen by the second: it plans anew, and makes what the others had made.
"""

import logging
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import psutil
import structlog
from joblib import cpu_count

from recsys_tasks import ledger
from recsys_tasks.devices import torch_device
from recsys_tasks.errors import NightBusy, PlanOutdated, ShardLost, first_line
from recsys_tasks.settings import Settings, fingerprint_of
from recsys_tasks.steps import Counts, rank
from recsys_tasks.warehouse import Warehouse, connect

log = structlog.get_logger()

STEP = "rank"
WORTH: Final = 1e12  # multiplications that are worth a process: some 20 s of a core; ADR 13


def plan(warehouse: Warehouse, settings: Settings, day: date) -> list[int]:
    """Make everything of a night but its lists, and fix their shards; a true plan stays.

    Returns:
        The numbers of the shards.

    Raises:
        EbbtideError: What went wrong; the plan has left no trace but its line in the ledger.
    """
    line = ledger.Line(day, STEP, fingerprint_of(settings))
    ledger.begin(warehouse, line)
    try:
        with warehouse.transaction(exclusive=True) as session:
            rank.plan(session, settings, day)
            ledger.finish(session, line, {"nights": 0, "lists": 0})
            session.execute("tell_shards", day=day)  # where there are any
    except Exception as error:
        ledger.fail(warehouse, line, error)
        raise
    return list(range(settings.shards or 1))


def make(warehouse: Warehouse, settings: Settings, day: date, shard: int) -> Counts:
    """Make the lists of a shard, unless they are made.

    Where there is no plan, or something that it was made from has changed, all shards are planned
    anew, and those made that nobody else is making: tasks that have ended do not come back.

    Returns:
        The number of lists that were made now.

    Raises:
        PlanOutdated: Something changed twice.
        NightBusy: Somebody else is making this shard, or holds the schema.
    """
    try:
        try:
            n_lists = _make(warehouse, settings, day, shard)
        except PlanOutdated:
            log.info("planned anew", day=day, shard=shard)
            others = [other for other in plan(warehouse, settings, day) if other != shard]
            n_lists = _make(warehouse, settings, day, shard)
            n_lists += sum(_make_if_free(warehouse, settings, day, other) for other in others)
    except Exception as error:
        _fail(warehouse, day, shard, error)
        raise
    log.info("shard done", day=day, shard=shard, lists=n_lists)
    return {"lists": n_lists}


def make_all(warehouse: Warehouse, settings: Settings, day: date, *, n_processes: int) -> Counts:
    """Plan a night's lists and make all their shards, so many at once.

    Returns:
        As the ledger has them.

    Raises:
        ShardLost: A process was ended from outside.
    """
    shards = plan(warehouse, settings, day)
    if n_processes > 1:
        _make_in_processes(warehouse, settings, day, shards, n_processes)
    else:
        for shard in shards:
            make(warehouse, settings, day, shard)
    with warehouse.transaction() as session:
        counts: Counts = session.value("counts_of_step", day=day, step=STEP)
    return counts


def has_tasks(settings: Settings) -> bool:
    """Whether a night's lists are made in shards, each of which is a task of its own."""
    return settings.shards is not None and settings.shards > 1


def divided(warehouse: Warehouse, settings: Settings, day: date) -> Settings:
    """The settings, with a number of shards where they leave it open.

    That is one, unless there is so much to multiply that more processes are worth their start: then
    one for every two processors, which a process keeps busy with the database's help, as far as
    each has its memory. A GPU is one process's.
    """
    if settings.shards is not None:
        return settings
    half = _memory() / 2  # the rest is Postgres'
    n_processes = min(_processors() // 2, int(half / settings.memory_gib))
    if torch_device(settings.device) != "cpu":
        n_processes = 1
    if n_processes > 1:
        with warehouse.transaction() as session:
            n_processes = min(n_processes, int(rank.work(session, settings, day) / WORTH))
    return settings.model_copy(update={"shards": max(n_processes, 1)})


def processes_for(settings: Settings) -> int:
    """How many shards this machine makes at once."""
    return min(settings.shards or 1, _processors())


def _processors() -> int:
    """Of this machine, or what the container may use of them."""
    return int(cpu_count())


def _memory() -> float:
    """GiB of this machine, or of the container that it is divided into (cgroup v2)."""
    limit = Path("/sys/fs/cgroup/memory.max")
    told = limit.read_text("ascii").strip() if limit.exists() else "max"
    total = int(psutil.virtual_memory().total)
    return (total if told == "max" else min(total, int(told))) / 2**30


def _make(warehouse: Warehouse, settings: Settings, day: date, shard: int) -> int:
    with warehouse.transaction(shared=True) as session:
        n_lists = rank.draft_shard(session, settings, day, shard)
    _tell(warehouse, day)
    return n_lists


def _make_if_free(warehouse: Warehouse, settings: Settings, day: date, shard: int) -> int:
    try:
        return _make(warehouse, settings, day, shard)
    except NightBusy:
        return 0


def _make_in_processes(
    warehouse: Warehouse, settings: Settings, day: date, shards: Iterable[int], n_processes: int
) -> None:
    # An embedded server is this process's: the others join it by its address.
    there = settings.model_copy(update={"dsn": warehouse.dsn})
    n_threads = max(_processors() // n_processes, 1)
    with ProcessPoolExecutor(
        n_processes, get_context("spawn"), initializer=_set_up, initargs=(n_threads,)
    ) as pool:
        try:
            list(pool.map(partial(_make_alone, there, day), shards))
        except BrokenProcessPool as error:
            raise ShardLost(day=day) from error


def _set_up(n_threads: int) -> None:
    """Share the processor with the other processes, and leave standard output to the command."""
    import lightgbm  # noqa: F401, PLC0415  only what is loaded can be limited
    import torch  # noqa: PLC0415  likewise
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  likewise

    torch.set_num_threads(n_threads)
    threadpool_limits(n_threads)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _make_alone(settings: Settings, day: date, shard: int) -> None:
    """Make a shard in a process of its own."""
    warehouse = connect(settings)
    try:
        make(warehouse, settings, day, shard)
    finally:
        warehouse.close()


def _fail(warehouse: Warehouse, day: date, shard: int, error: Exception) -> None:
    """Write a failure down, unless the database is what failed."""
    try:
        with warehouse.transaction() as session:
            session.execute("fail_shard", night=day, shard=shard, error=first_line(error))
        _tell(warehouse, day)
    except Exception as unrecorded:  # noqa: BLE001  the first error is the one to tell
        log.warning("failure not recorded", error=str(unrecorded))


def _tell(warehouse: Warehouse, day: date) -> None:
    """Bring the ledger in line with the shards."""
    with warehouse.transaction() as session:
        session.value("lock_step", day=day)
        session.execute("tell_shards", day=day)
