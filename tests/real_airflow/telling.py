"""The table of the ways to start a run, with what came of each."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from .tenants import TODAY


class Row(NamedTuple):
    """What a way to start came to.

    Attributes:
        way: How it was started.
        days: The days that the runs resolved, as they took effect.
        tables: Checksum of the tables then.
        plain: The same of nights in order, in one process.
    """

    way: str
    days: Sequence[date]
    tables: str
    plain: str


ROWS: Final[list[Row]] = []


def as_table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown; days are told by how many days ago they were."""
    yield "| started by | days ago, in the order of their effect | tables | plain nights |"
    yield "|---|---|---|---|"
    for row in rows:
        days = ", ".join(str((TODAY - day).days) for day in row.days)
        yield f"| {row.way} | {days} | {row.tables} | {row.plain} |"
