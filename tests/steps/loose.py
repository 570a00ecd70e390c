"""A source whose events have no primary key: a mapping of a table that guards nothing."""

from datetime import datetime
from pathlib import Path

from .tenant import Tenant

CREATE = """
create table app.loose (
    event_id text, user_id text, item_id text, event_type text, value double precision, text text,
    occurred_at timestamptz, ingested_at timestamptz
)
"""
INSERT = """
insert into app.loose (event_id, user_id, item_id, event_type, occurred_at)
values (%(event_id)s, 'u1', %(item_id)s, 'purchase', %(occurred_at)s)
"""
MAPPING = {
    "items": "create or replace temporary view source_items as select * from app.items;",
    "users": "create or replace temporary view source_users as select * from app.users;",
    "events": "create or replace temporary view source_events as select * from app.loose;",
}


def open_loose(tenant: Tenant, folder: Path) -> Tenant:
    """The same tenant, mapped by files in the folder."""
    tenant.rows(CREATE)
    for name, view in MAPPING.items():
        (folder / f"{name}.sql").write_text(view)
    settings = tenant.settings.model_copy(update={"source": str(folder)})
    return Tenant(tenant.warehouse, settings)


def add_loose(tenant: Tenant, event_id: str | None, item_id: str, occurred_at: datetime) -> None:
    """Write a purchase; nothing keeps an event_id from coming twice."""
    tenant.rows(INSERT, event_id=event_id, item_id=item_id, occurred_at=occurred_at)
