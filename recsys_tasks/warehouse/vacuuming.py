"""Vacuum, which Postgres does outside of transactions only."""

import psycopg2

from recsys_tasks.errors import DatabaseUnavailable, first_line
from recsys_tasks.warehouse.connecting import CONNECT_TIMEOUT, Warehouse


def vacuum(warehouse: Warehouse) -> int:
    """Vacuum and analyze every table of the schema that nights change; locked ones are left out.

    Returns:
        The number of tables.

    Raises:
        DatabaseUnavailable: The connection was refused or lost.
    """
    with warehouse.transaction() as session:
        tables = session.rows("tables_to_vacuum")
    try:
        connection = psycopg2.connect(warehouse.dsn, connect_timeout=CONNECT_TIMEOUT)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for _, statement in tables:
                    cursor.execute(statement)
        finally:
            connection.close()
    except psycopg2.OperationalError as error:
        raise DatabaseUnavailable(reason=first_line(error)) from error
    return len(tables)
