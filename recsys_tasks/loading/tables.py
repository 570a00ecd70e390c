"""The three tables of the source contract, as files may hold them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table that a folder may bring.

    Attributes:
        name: Of the table in schema app, and of the file.
        columns: What the contract knows, in the order in which they are staged.
        required: Columns that a file must have.
        keeps_others: Whether other columns become attributes; else they are ignored.
    """

    name: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    keeps_others: bool


ITEMS = Table(
    "items",
    (
        *("item_id", "title", "description", "category", "attributes", "available"),
        *("created_at", "updated_at"),
    ),
    ("item_id",),
    keeps_others=True,
)
USERS = Table("users", ("user_id", "attributes", "created_at"), ("user_id",), keeps_others=True)
EVENTS = Table(
    "events",
    (
        *("event_id", "user_id", "item_id", "event_type", "value", "text"),
        *("occurred_at", "ingested_at"),
    ),
    ("event_id", "user_id", "item_id", "event_type", "occurred_at"),
    keeps_others=False,
)
TABLES = (ITEMS, USERS, EVENTS)
