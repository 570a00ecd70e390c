"""The ledger: a line for each day and step, with what became of it."""

import json
from datetime import UTC, date, datetime
from typing import NamedTuple

import structlog

from recsys_tasks.errors import first_line
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session, Warehouse

log = structlog.get_logger()


class Line(NamedTuple):
    """Of which day and step it is.

    Attributes:
        day: The behaviour day.
        step: Its name.
        fingerprint: Of the settings of who runs it; another run's line is left alone.
    """

    day: date
    step: str
    fingerprint: str


def begin(warehouse: Warehouse, line: Line) -> None:
    """Write down that a step runs."""
    with warehouse.transaction() as session:
        session.execute("begin_step", **line._asdict(), started_at=datetime.now(UTC))


def finish(session: Session, line: Line, counts: Counts) -> None:
    """Write down, with what the step did, that it is done."""
    session.execute(
        "finish_step",
        **line._asdict(),
        counts=json.dumps(dict(counts)),
        note="; ".join(session.notes) or None,
        finished_at=datetime.now(UTC),
    )


def fail(warehouse: Warehouse, line: Line, error: Exception) -> None:
    """Write a failure down, unless the database is what failed."""
    try:
        with warehouse.transaction() as session:
            session.execute(
                "fail_step",
                **line._asdict(),
                error=first_line(error),
                finished_at=datetime.now(UTC),
            )
    except Exception as unrecorded:  # noqa: BLE001  the first error is the one to tell
        log.warning("failure not recorded", error=str(unrecorded))
