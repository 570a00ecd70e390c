"""All that a tenant's schema holds, so that two of them can be told apart.

Keys are replaced by what they stand for: a transaction that was taken back has used some up. Times
at which something was done, and names of partitions, are left out.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import extensions

TABLES = """
select relname::text from pg_class
where relnamespace = %(schema)s::regnamespace and relkind in ('r', 'p') and not relispartition
order by relname
"""
ROWS = "select '{1}', to_jsonb(held) from {0}.{1} as held"
# When and where it was done, not what.
LEFT_OUT = frozenset({
    *("started_at", "finished_at", "published_at", "rejected_at", "applied_at", "made_at"),
    "partition_name",
})
IDS = {
    "user_key": "select user_key, user_id from {}.users",
    "item_key": "select item_key, item_id from {}.items",
    "text_key": "select text_key, content from {}.texts",
    "model_key": "select model_key, model_id from {}.models",
    "variant_key": "select variant_key, variant from {}.variants",
    "event_type_key": "select event_type_key, event_type from {}.event_types",
}
# Of other columns, what they are keys of.
OF_ITEMS = frozenset({
    *("item_keys", "cold_item_keys", "reason_items", "part_items", "original_key"),
    "item_neighbours.neighbour_keys",
})
# What applications read, and who asks.
SHOWN = (
    "select * from {}.recommendations order by user_id, rank",
    "select * from {}.recommend('u1', 7)",
    "select * from {}.recommend('nobody', 7)",
    "select * from {}.trending_items order by horizon, rank",
)
Rows = dict[str, list[str]]
Shown = tuple[str, ...]
Names = Mapping[str, Mapping[int, object]]


class State(NamedTuple):
    """What a schema holds.

    Attributes:
        rows: Every row of every table, by table, in alphabetical order.
        shown: What readers are shown.
    """

    rows: Rows
    shown: Shown


def state_of(dsn: str, schema: str = "recsys") -> State:
    """All of a schema, in one snapshot."""
    with snapshot(dsn) as cursor:
        names = {column: _names(cursor, query.format(schema)) for column, query in IDS.items()}
        cursor.execute(TABLES, {"schema": schema})
        tables = [name for (name,) in cursor.fetchall()]
        rows: Rows = {table: [] for table in tables}
        # In one statement: each costs a way to the server and back.
        cursor.execute(" union all ".join(ROWS.format(schema, table) for table in tables))
        for table, row in cursor.fetchall():
            rows[table].append(_told(table, row, names))
        shown = _shown(cursor, schema)
    return State({table: sorted(told) for table, told in rows.items()}, shown)


def shown_by(dsn: str, schema: str = "recsys") -> Shown:
    """What readers are shown, in one snapshot."""
    with snapshot(dsn) as cursor:
        return _shown(cursor, schema)


@contextmanager
def snapshot(dsn: str) -> Iterator[extensions.cursor]:
    """One state of the database, whatever others do meanwhile."""
    connection = psycopg2.connect(dsn)
    connection.set_session(isolation_level="repeatable read", readonly=True)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def differences(found: Rows, expected: Rows, *ignored: str) -> list[str]:
    """The tables that differ, each with rows that only one of the two has."""
    told = []
    for table in sorted({*found, *expected} - {*ignored}):
        mine, theirs = found.get(table, []), expected.get(table, [])
        if mine != theirs:
            more, less = (
                [*set(one) - set(other)] for one, other in ((mine, theirs), (theirs, mine))
            )
            told.append(f"{table}: only found {more[:2]}, only expected {less[:2]}")
    return told


def _names(cursor: extensions.cursor, query: str) -> dict[int, object]:
    cursor.execute(query)
    return dict(cursor.fetchall())


def _shown(cursor: extensions.cursor, schema: str) -> Shown:
    found = []
    for query in SHOWN:
        cursor.execute(query.format(schema))
        found.append(repr(cursor.fetchall()))
    return tuple(found)


def _told(table: str, row: Mapping[str, Any], names: Names) -> str:
    return repr([
        (column, _named(table, column, value, names))
        for column, value in row.items()
        if column not in LEFT_OUT and (table, column) != ("models", "created_at")
    ])


def _named(table: str, column: str, value: Any, names: Names) -> object:  # noqa: ANN401  JSON
    key = column
    if OF_ITEMS & {column, f"{table}.{column}"}:
        key = "item_key"
    elif column == "neighbour_keys":
        key = "user_key"
    if key not in names:
        return value
    known = names[key]
    if isinstance(value, list):
        return [known.get(number, number) for number in value]
    return known.get(value, value)
