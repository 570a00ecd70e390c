"""Everything that is held about a user, as JSON; which tables that is, the schema itself tells."""

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

import recsys_tasks
from recsys_tasks.errors import NothingHeld
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Session, connect
from recsys_tasks.warehouse.identities import names_of

JsonRow: TypeAlias = dict[str, object]  # as Postgres makes it of a row
Tables: TypeAlias = dict[str, list[JsonRow]]


class Export(NamedTuple):
    """What is held about a user.

    Attributes:
        user_id: The source's id.
        schema: The tenant's.
        version: Of Ebbtide.
        exported_at: ISO 8601, UTC.
        tables: Rows by table, without names of other users. `recommendations` is the list that is
            served now.
    """

    user_id: str
    schema: str
    version: str
    exported_at: str
    tables: Tables

    def as_json(self) -> str:
        """For the person whom it is about."""
        return json.dumps(self._asdict(), indent=2, ensure_ascii=False)


def export(settings: Settings, user_id: str) -> Export:
    """Gather all that is held about a user in the schema; the source's own tables are not in it.

    Raises:
        NothingHeld: There is nothing.
    """
    with closing(connect(settings)) as warehouse, warehouse.transaction() as session:
        tables = _tables(session, settings, user_id) if "\0" not in user_id else {}
    if not any(tables.values()):
        raise NothingHeld(user_id=user_id, schema=settings.schema_name, remedy="")
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    return Export(user_id, settings.schema_name, recsys_tasks.__version__, moment, tables)


def _tables(session: Session, settings: Settings, user_id: str) -> Tables:
    user_key = session.value("key_of_user", user_id=user_id)
    names = names_of(session, settings, user_id, user_key)
    tables = {"rejected_interactions": _rows(session, "export_rejected", user_names=names)}
    if user_key is None:
        return tables
    for table, statement in session.rows("exports_of_user"):
        found = session.select(statement, {"user_key": user_key})
        tables[table] = [row for (row,) in found]
    tables["text_vectors"] = _rows(session, "export_text_vectors", user_key=user_key)
    tables["recommendations"] = _rows(session, "export_recommendations", user_id=user_id)
    return tables


def _rows(session: Session, query: str, **parameters: object) -> list[JsonRow]:
    return [row for (row,) in session.rows(query, **parameters)]
