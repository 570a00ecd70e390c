"""A source to run nights on: rows straight into the tables of schema app.

A row is a mapping of columns; what it leaves out has a default. Ids and titles count on, so that
rows differ unless a test says otherwise.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from itertools import count

from encoders import WORDS
from psycopg2.extras import Json

from recsys_tasks.warehouse import Warehouse

NIGHT = date(2024, 3, 1)
Row = Mapping[str, object]

_numbers = count(1)

_INSERT_ITEM = """
insert into app.items (
    item_id, title, description, category, attributes, available, created_at, updated_at
)
values (
    %(item_id)s, %(title)s, %(description)s, %(category)s, %(attributes)s, %(available)s,
    %(created_at)s, %(updated_at)s
)
on conflict (item_id) do update
set
    title = excluded.title,
    description = excluded.description,
    category = excluded.category,
    attributes = excluded.attributes,
    available = excluded.available,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
"""
_INSERT_EVENT = """
insert into app.events (
    event_id, user_id, item_id, event_type, value, text, occurred_at, ingested_at
)
values (
    %(event_id)s, %(user_id)s, %(item_id)s, %(event_type)s, %(value)s, %(text)s,
    %(occurred_at)s, %(ingested_at)s
)
on conflict (event_id) do update
set
    user_id = excluded.user_id,
    item_id = excluded.item_id,
    event_type = excluded.event_type,
    value = excluded.value,
    text = excluded.text,
    occurred_at = excluded.occurred_at,
    ingested_at = excluded.ingested_at
"""


def create_source(warehouse: Warehouse) -> None:
    """The tables of schema app, empty."""
    with warehouse.transaction() as session:
        session.execute("load_create_tables")


def add_items(warehouse: Warehouse, *rows: Row) -> list[str]:
    """Write items; one whose item_id is there is replaced.

    Defaults: a new item_id, and a title of two words that no other of a hundred items has.

    Returns:
        Their item_ids.
    """
    return _write(warehouse, _INSERT_ITEM, map(_item, rows), "item_id")


def add_events(warehouse: Warehouse, *rows: Row) -> list[str]:
    """Write events; one whose event_id is there is replaced.

    Defaults: a new event_id; a purchase of i1 by u1, at noon of NIGHT. A `day` is short for
    noon (UTC) of that day.

    Returns:
        Their event_ids.
    """
    return _write(warehouse, _INSERT_EVENT, map(_event, rows), "event_id")


def noon(day: date) -> datetime:
    """The middle of a day in UTC."""
    return datetime.combine(day, time(12), UTC)


def _item(row: Row) -> Row:
    number = next(_numbers)
    first, second = divmod(number, len(WORDS))
    return {
        "item_id": f"i{number}",
        "title": f"{WORDS[first % len(WORDS)]} {WORDS[second]}",
        "description": None,
        "category": None,
        "available": True,
        "created_at": None,
        "updated_at": None,
        **row,
        "attributes": Json(row.get("attributes", {})),
    }


def _event(row: Row) -> Row:
    day = row.get("day", NIGHT)
    assert isinstance(day, date)
    return {
        "event_id": f"e{next(_numbers)}",
        "user_id": "u1",
        "item_id": "i1",
        "event_type": "purchase",
        "value": None,
        "text": None,
        "occurred_at": noon(day),
        "ingested_at": None,
        **row,
    }


def _write(warehouse: Warehouse, statement: str, rows: Iterable[Row], name: str) -> list[str]:
    written = list(rows)
    with warehouse.transaction() as session:
        for row in written:
            session.select(statement, row)
    return [str(row[name]) for row in written]
