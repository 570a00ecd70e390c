"""Connections: where the database is, and transactions on it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import errors as postgres
from psycopg2 import extensions, sql
from sqlalchemy import Engine, create_engine

from recsys_tasks.errors import DatabaseFull, DatabaseUnavailable, NightBusy, first_line
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import access, embedded
from recsys_tasks.warehouse.migrating import is_current, migrate
from recsys_tasks.warehouse.session import Session

CONNECT_TIMEOUT = 10  # seconds


class Warehouse:
    """A tenant's schema on a Postgres server."""

    def __init__(self, dsn: str, schema: str, lock_timeout: int = 600) -> None:
        """Name the place; nothing is connected before the first transaction.

        Args:
            dsn: A libpq URI or keyword string.
            schema: The tenant's schema.
            lock_timeout: Seconds to wait for another run of the same schema.
        """
        self.dsn = dsn
        self.schema = schema
        self.lock_timeout = lock_timeout
        self._engine: Engine = create_engine(
            "postgresql+psycopg2://", creator=self._connect, pool_pre_ping=True, pool_size=2
        )

    def _connect(self) -> extensions.connection:
        if not _is_readable(self.dsn):
            # libpq's own message would quote it, and so a password.
            raise DatabaseUnavailable(
                reason="the DSN is none that libpq reads, as in postgresql://user@host:5432/name,"
                " where %2F, %3A and %40 stand for the / : and @ of a password"
            )
        return psycopg2.connect(
            self.dsn, connect_timeout=CONNECT_TIMEOUT, application_name="ebbtide"
        )

    @contextmanager
    def transaction(self, *, exclusive: bool = False, shared: bool = False) -> Iterator[Session]:
        """A transaction that commits at the end, and leaves nothing behind if it fails.

        Args:
            exclusive: Wait until no other exclusive or shared transaction of this schema runs.
            shared: Wait until no exclusive transaction of this schema runs.

        Raises:
            NightBusy: Another one was still running after `lock_timeout` seconds.
            DatabaseUnavailable: There is no connection to be had, or it was lost.
            DatabaseFull: There is no room for what is written.
        """
        try:
            pooled = self._engine.raw_connection()
        except (DatabaseUnavailable, MemoryError):
            raise
        except Exception as error:
            raise DatabaseUnavailable(reason=first_line(error)) from error
        connection: extensions.connection = pooled.driver_connection
        try:
            session = Session(connection, self.schema)
            session.execute("open_session", schema=self.schema)
            if exclusive or shared:
                self._lock(session, "lock_schema" if exclusive else "share_schema")
            yield session
            connection.commit()
        except postgres.DiskFull as error:
            raise DatabaseFull(reason=first_line(error)) from error
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            pooled.invalidate()
            raise DatabaseUnavailable(reason=first_line(error)) from error
        finally:
            # Back to the pool: what was not committed is rolled back there.
            pooled.close()

    def _lock(self, session: Session, query: str) -> None:
        try:
            session.execute(query, schema=self.schema, timeout=f"{self.lock_timeout}s")
        except postgres.LockNotAvailable as error:
            raise NightBusy(schema=self.schema, seconds=self.lock_timeout) from error

    def migrate(self) -> tuple[int, ...]:
        """Create the schema where it is missing and bring it up to date.

        Returns:
            The versions that were applied now.

        Raises:
            DatabaseUnavailable: It refuses: a right or pgvector is missing.
            SchemaTooNew: A newer program made the schema.
        """
        with self.transaction() as session:
            # What only reads needs no rights beyond reading.
            if is_current(session):
                return ()
        try:
            with self.transaction(exclusive=True) as session:
                # The extension is the database's: two tenants at once would both make it.
                session.execute("lock_migrations")
                statement = sql.SQL("create schema if not exists {}").format(
                    sql.Identifier(self.schema)
                )
                session.select(statement.as_string(session.connection))
                applied = migrate(session)
                access.secure(session)
                return applied
        except psycopg2.Error as error:
            raise DatabaseUnavailable(reason=first_line(error)) from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def connect(settings: Settings) -> Warehouse:
    """The settings' warehouse, its schema up to date; the embedded server where they name no DSN.

    Raises:
        DatabaseUnavailable: It does not answer.
        SchemaTooNew: A newer program made the schema.
    """
    dsn = settings.dsn or embedded.start(settings.var / "postgres")
    warehouse = Warehouse(dsn, settings.schema_name, settings.lock_timeout)
    warehouse.migrate()
    return warehouse


def _is_readable(dsn: str) -> bool:
    """Whether a DSN has the parts that it should, and no part of a password among them."""
    try:
        parts = extensions.parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        return False
    host, port = parts.get("host", ""), parts.get("port", "")
    is_socket = host.startswith(("/", "@"))
    return (is_socket or "@" not in host) and not port.strip("0123456789,")
