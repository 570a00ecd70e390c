"""One transaction on the warehouse: named queries and COPY."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from threading import RLock
from typing import IO, Any

import numpy as np
import psycopg2
import structlog
from numpy.typing import NDArray
from psycopg2 import extensions

from recsys_tasks.errors import BadSource, first_line
from recsys_tasks.warehouse import copying
from recsys_tasks.warehouse.queries import queries, source_mapping

log = structlog.get_logger()

Row = tuple[Any, ...]  # as the driver gives it; callers name its fields at once


class Session:
    """What a step may do with the database, inside one transaction.

    Names are those of sql/queries; `search_path` is the tenant's schema, then public.
    """

    def __init__(self, connection: extensions.connection, schema: str) -> None:
        """Use an open transaction of `connection`, which its owner commits."""
        self.connection = connection
        self.schema = schema
        self.notes: list[str] = []
        self._turn = RLock()  # of the threads that `overlap` lets use it

    def note(self, message: str) -> None:
        """Let the ledger tell what a step did that is no failure and should be known."""
        self.notes.append(message)
        log.warning(message, schema=self.schema)

    def execute(self, name: str, /, **parameters: object) -> int:
        """Run a query for its effect.

        Returns:
            The number of rows that it touched.
        """
        with self._turn, self.connection.cursor() as cursor:
            cursor.execute(_statement(name), parameters or None)
            return max(int(cursor.rowcount), 0)

    def rows(self, name: str, /, **parameters: object) -> list[Row]:
        """All rows of a query."""
        return self.select(_statement(name), parameters)

    def row(self, name: str, /, **parameters: object) -> Row | None:
        """The first row of a query; None where there is none."""
        return next(iter(self.rows(name, **parameters)), None)

    def value(self, name: str, /, **parameters: object) -> Any:  # noqa: ANN401  whatever the column holds
        """The first column of the first row; None where there is none."""
        row = self.row(name, **parameters)
        return row[0] if row else None

    def select(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """All rows of a statement that a file of sql/, or the user, gives."""
        with self._turn, self.connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def table(self, statement: str) -> tuple[tuple[str, ...], list[Row]]:
        """The headings and the rows of a statement that the user gives."""
        with self._turn, self.connection.cursor() as cursor:
            cursor.execute(statement)
            headings = tuple(column.name for column in cursor.description or ())
            return headings, cursor.fetchall() if headings else []

    def columns(self, name: str, /, **parameters: object) -> list[tuple[Any, ...]]:
        """The columns of a query with few rows, or values of no fixed width; empty without rows."""
        with self._turn, self.connection.cursor() as cursor:
            cursor.execute(_statement(name), parameters or None)
            n_columns = len(cursor.description or ())
            rows = cursor.fetchall()
        return list(zip(*rows, strict=True)) if rows else [()] * n_columns

    def copy_out(
        self, name: str, columns: Sequence[copying.Column], /, **parameters: object
    ) -> tuple[NDArray[Any], ...]:
        """The columns of a `copy (...) to stdout with (format binary)` query.

        Args:
            name: Of the query.
            columns: How each of its columns lies on the wire; none may be null.
            parameters: Of the query.
        """
        stream = io.BytesIO()
        with self._turn, self.connection.cursor() as cursor:
            statement = cursor.mogrify(_statement(name), parameters or None)
            cursor.copy_expert(statement, stream)
        return copying.decode(columns, stream.getbuffer())

    def copy_in(
        self, name: str, columns: Sequence[copying.Column], arrays: Sequence[NDArray[np.generic]]
    ) -> None:
        """Send arrays of equal length to a `copy ... from stdin with (format binary)` query."""
        if len(arrays[0]):
            self._copy(name, io.BytesIO(copying.encode(columns, arrays)))

    def copy_rows(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Send rows to a `copy ... from stdin with (format csv)` query; None and '' are null."""
        stream = io.StringIO(newline="")
        # This end of a line has a lone carriage return in a cell quoted too.
        csv.writer(stream, lineterminator="\r\n").writerows(rows)
        stream.seek(0)
        self._copy(name, stream)

    def _copy(self, name: str, stream: IO[bytes] | IO[str]) -> None:
        with self._turn, self.connection.cursor() as cursor:
            cursor.copy_expert(_statement(name), stream)

    def undo(self) -> None:
        """Take back everything that the transaction did so far; it goes on as a new one."""
        self.connection.rollback()
        self.execute("open_session", schema=self.schema)

    def map_source(self, source: str) -> None:
        """Make the source's three views for this connection.

        Raises:
            BadSettings: The source has no mapping.
            BadSource: The mapping does not fit the database, or not the contract.
        """
        try:
            for statement in source_mapping(source):
                self.select(statement)
        except psycopg2.ProgrammingError as error:
            raise BadSource(place=f"source {source}", problem=first_line(error)) from error
        for view, column, wanted, found in self.rows("wrong_source_columns"):
            problem = f"{view} needs a column {column} of type {wanted}, not {found or 'none'}"
            raise BadSource(place=f"source {source}", problem=problem)


def _statement(name: str) -> str:
    return str(getattr(queries(), name).sql)
