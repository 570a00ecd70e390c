"""A schema as an earlier version had it, with the rows that it would hold today.

Rows are those of a schema of now: whatever table and column the earlier version had is filled, and
what it did not know is left out.
"""

import psycopg2
from psycopg2 import extensions

from recsys_tasks.warehouse.queries import migrations

HELD = """
select pg_class.relname::text, array_agg(pg_attribute.attname::text order by pg_attribute.attnum)
from pg_class
inner join pg_attribute on pg_attribute.attrelid = pg_class.oid
where
    pg_class.relnamespace = to_regnamespace(%(schema)s)
    and pg_class.relkind = any(%(kinds)s)
    and not pg_class.relispartition
    and pg_attribute.attnum > 0
    and not pg_attribute.attisdropped
    and pg_attribute.attgenerated = ''
group by pg_class.relname
"""
PARTITIONS = """
select
    child.relname::text, parent.relname::text, pg_get_expr(child.relpartbound, child.oid)
from pg_inherits
inner join pg_class as child on child.oid = pg_inherits.inhrelid
inner join pg_class as parent on parent.oid = pg_inherits.inhparent
where
    child.relnamespace = to_regnamespace(%(schema)s)
    and child.relkind = 'r'
    and to_regclass(parent.relname) is not null
"""
# A key that is given out next is one that nobody has.
KEYS = """
select
    pg_class.relname::text,
    pg_attribute.attname::text,
    pg_get_serial_sequence(format('%%I.%%I', %(schema)s, pg_class.relname), pg_attribute.attname)
from pg_class
inner join pg_attribute on pg_attribute.attrelid = pg_class.oid
where pg_class.relnamespace = to_regnamespace(%(schema)s) and pg_attribute.attidentity != ''
"""
# What has another name today.
WAS = {
    ("models", "is_serving"): "state = 'serving'",
    ("interaction_days", "accumulated_fingerprint"): "trends_fingerprint",
}
KEPT = "schema_migrations"
TABLES, VIEW = ["r", "p"], "v"


def take_back(dsn: str, version: int) -> dict[str, int]:
    """Make the schema recsys what it was at a version.

    Returns:
        The number of rows that it has, by table.
    """
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("alter schema recsys rename to later")
        cursor.execute("create schema recsys")
        cursor.execute("set local search_path to recsys, public")
        _migrate(cursor, version)
        # References hold in the rows as they are, whatever order they come in.
        cursor.execute("set local session_replication_role to replica")
        _make_partitions(cursor)
        rows = _fill(cursor)
        _pass_keys(cursor)
        cursor.execute("set local client_min_messages to warning; drop schema later cascade")
    connection.close()
    return rows


def _migrate(cursor: extensions.cursor, version: int) -> None:
    cursor.execute(f"create table {KEPT} (like later.{KEPT} including all)")
    for number, path in migrations().items():
        if number <= version:
            cursor.execute(path.read_text())
            cursor.execute(f"insert into {KEPT} values (%s, %s)", (number, path.stem))


def _make_partitions(cursor: extensions.cursor) -> None:
    cursor.execute(PARTITIONS, {"schema": "later"})
    for name, parent, bound in cursor.fetchall():
        cursor.execute(f"create table {name} partition of {parent} {bound}")


def _fill(cursor: extensions.cursor) -> dict[str, int]:
    then = _held(cursor, "recsys", TABLES)
    now = _held(cursor, "later", [*TABLES, VIEW])  # which has the rows of a table of then
    rows = {}
    for table, columns in then.items():
        cursor.execute(f"select count(*) from {table}")
        (rows[table],) = cursor.fetchone()
        if rows[table]:
            continue  # migrations wrote them
        known = [column for column in columns if _value(table, column, now[table])]
        values = ", ".join(_value(table, column, now[table]) for column in known)
        cursor.execute(
            f"insert into {table} ({', '.join(known)}) overriding system value"
            f" select {values} from later.{table}"
        )
        rows[table] = int(cursor.rowcount)
    return rows


def _value(table: str, column: str, known: list[str]) -> str:
    return column if column in known else WAS.get((table, column), "")


def _held(cursor: extensions.cursor, schema: str, kinds: list[str]) -> dict[str, list[str]]:
    cursor.execute(HELD, {"schema": schema, "kinds": kinds})
    return {table: columns for table, columns in cursor.fetchall() if table != KEPT}


def _pass_keys(cursor: extensions.cursor) -> None:
    cursor.execute(KEYS, {"schema": "recsys"})
    for table, column, sequence in cursor.fetchall():
        cursor.execute(
            f"select setval(%s, greatest((select max({column}) from {table}), 1))", (sequence,)
        )
