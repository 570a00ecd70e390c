"""Rows of a table file, whatever its format: what is read, what is broken, where it is cut."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """A row that could be read.

    Attributes:
        line: Of the file, from 1, where it begins; in Parquet, the number of the row.
        cells: One a column of the header; empty where there is no value.
    """

    line: int
    cells: list[str]

    @property
    def problem(self) -> str | None:
        """Why Postgres cannot hold it; None where it can."""
        text = "".join(self.cells)
        if "\0" in text:
            return "NUL character"
        try:
            text.encode()  # a lone surrogate stands for a byte that is not UTF-8
        except UnicodeEncodeError:
            return "not UTF-8"
        return None


class Broken(NamedTuple):
    """A row that could not be read.

    Attributes:
        line: As in `Record`.
        problem: The same words for the same problem, so that they can be counted.
        row: What there was, by column, or whole under `line`.
    """

    line: int
    problem: str
    row: dict[str, str]


class TableFile(Protocol):
    """A file that holds one table."""

    @property
    def header(self) -> list[str]:
        """The names of its columns, as they stand there."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def position(self) -> int:
        """How many of them are read so far."""

    @property
    def cut(self) -> str | None:
        """Why it ends early, once `records` came to its end; None where it is whole."""

    def records(self) -> Iterator[Record | Broken]:
        """Its rows in order. Where the file is cut, they end, and `cut` says why."""
