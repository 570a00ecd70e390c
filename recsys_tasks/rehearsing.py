"""A dry run: what a night, or a refresh, would do now, in a transaction that is taken back.

It does the work, and so it takes as long and waits for other runs as they wait for it. Nothing of
it stays but gaps in the keys that tables count up; readers do not notice.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from typing import NamedTuple

from recsys_tasks.errors import NightRefused
from recsys_tasks.nightly import REFRESH, STEPS, module_of
from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts
from recsys_tasks.warehouse import Session, connect


class Rehearsal(NamedTuple):
    """What a dry run found.

    Attributes:
        counts: What each step would do, by its name.
        refused: Why the gates would not let the lists through; None where they would.
        notes: What the ledger would tell.
    """

    counts: dict[str, Counts]
    refused: str | None
    notes: tuple[str, ...]


def rehearse_night(settings: Settings, day: date) -> Rehearsal:
    """Run a night's steps and take everything back.

    `publish` is left out: it locks readers out for the moment of the swap, which would last here
    until the end.

    Args:
        settings: Of the tenant.
        day: The behaviour day.

    Raises:
        EbbtideError: What the night would fail with, other than its gates.
    """
    return _rehearse(settings, day, [step for step in STEPS if step != "publish"])


def rehearse_refresh(settings: Settings, day: date, active_days: int = 1) -> Rehearsal:
    """Run a refresh and take everything back.

    Args:
        settings: Of the tenant.
        day: The day that goes on.
        active_days: As for `run_refresh`.

    Raises:
        EbbtideError: What the refresh would fail with, other than its gates.
    """
    theirs = settings.model_copy(update={"refresh_days": active_days})
    return _rehearse(theirs, day, [REFRESH])


def _rehearse(settings: Settings, day: date, steps: list[str]) -> Rehearsal:
    counts: dict[str, Counts] = {}
    refused = None
    with _taken_back(settings) as session:
        try:
            for step in steps:
                counts[step] = module_of(step, day).run(session, settings, day)
        except NightRefused as error:
            refused = str(error)
        notes = tuple(session.notes)
    return Rehearsal(counts, refused, notes)


@contextmanager
def _taken_back(settings: Settings) -> Iterator[Session]:
    """A transaction like a step's that leaves nothing behind."""
    with closing(connect(settings)) as warehouse, warehouse.transaction(exclusive=True) as session:
        yield session
        session.undo()
