"""Reading the warehouse: transactions that cannot write nor take long, and the queries of pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import aiosql
import psycopg2
from aiosql.queries import Queries
from psycopg2 import errors as postgres

from recsys_tasks.errors import DatabaseUnavailable, SchemaOutOfStep, first_line
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.queries import ROOT
from recsys_tasks.warehouse.session import Row

TIMEOUT = 5  # seconds a statement


class ReadingWarehouse(Warehouse):
    """A tenant's schema, for reading alone."""

    def __init__(self, dsn: str, schema: str, timeout: int = TIMEOUT) -> None:
        """Name the place; a statement is broken off after `timeout` seconds."""
        super().__init__(dsn, schema)
        self.timeout = timeout

    @contextmanager
    def transaction(self, *, exclusive: bool = False, shared: bool = False) -> Iterator[Session]:
        """A transaction that reads; no lock is taken, for nothing is written.

        Raises:
            DatabaseUnavailable: There is no connection, it was lost, or a statement took too long.
            SchemaOutOfStep: A table or a column is not there.
        """
        del exclusive, shared
        try:
            with super().transaction() as session:
                session.execute("read_only")
                Reader(session).rows("limit_time", timeout=f"{self.timeout}s")
                try:
                    yield session
                except postgres.QueryCanceled as error:
                    reason = f"a query took more than {self.timeout} s"
                    raise DatabaseUnavailable(reason=reason) from error
        except psycopg2.ProgrammingError as error:
            raise SchemaOutOfStep(schema=self.schema, reason=first_line(error)) from error


class Reader:
    """The named queries of sql/pages, in one transaction."""

    def __init__(self, session: Session) -> None:
        """Read through an open transaction."""
        self.session = session

    def rows(self, name: str, /, **parameters: object) -> list[Row]:
        """All rows of a query."""
        return self.session.select(_statement(name), parameters)

    def row(self, name: str, /, **parameters: object) -> Row | None:
        """The first row of a query; None where there is none."""
        return next(iter(self.rows(name, **parameters)), None)


@cache
def page_queries() -> Queries:
    """Every named query of sql/pages."""
    found: Queries = aiosql.from_path(ROOT / "pages", "psycopg2", mandatory_parameters=False)
    return found


def _statement(name: str) -> str:
    return str(getattr(page_queries(), name).sql)
