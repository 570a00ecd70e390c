"""Databases of a server that benchmarks have for themselves."""

import psycopg2
from psycopg2.extensions import make_dsn


def made_anew(server: str, name: str) -> str:
    """The DSN of a database that is empty, whatever was in it before.

    Args:
        server: DSN of any database of the server.
        name: Of the database: lower-case letters, digits and underscores.
    """
    connection = psycopg2.connect(server)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'drop database if exists "{name}" with (force)')
        cursor.execute(f'create database "{name}"')
    connection.close()
    return str(make_dsn(server, dbname=name))
