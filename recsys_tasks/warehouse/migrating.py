"""Migrations: numbered SQL files, applied once each, in order, all in one transaction."""

import structlog

from recsys_tasks.errors import SchemaTooNew
from recsys_tasks.warehouse.queries import migrations
from recsys_tasks.warehouse.session import Session

log = structlog.get_logger()


def is_current(session: Session) -> bool:
    """Whether the session's schema is there, at the version that this program makes.

    Raises:
        SchemaTooNew: The schema was made by a newer program.
    """
    return bool(session.value("is_migrated")) and _found(session) == max(migrations())


def migrate(session: Session) -> tuple[int, ...]:
    """Bring the session's schema up to date.

    Returns:
        The versions that were applied now, ascending.

    Raises:
        SchemaTooNew: The schema was made by a newer program.
    """
    session.execute("create_schema_migrations")
    found = _found(session)
    pending = tuple(version for version in migrations() if version > found)
    for version in pending:
        path = migrations()[version]
        session.select(path.read_text())
        session.execute("insert_schema_migration", version=version, name=path.stem)
        log.info("applied migration", schema=session.schema, version=version, name=path.stem)
    return pending


def _found(session: Session) -> int:
    """The version of the schema."""
    found, known = session.value("schema_version") or 0, max(migrations())
    if found > known:
        raise SchemaTooNew(schema=session.schema, found=found, known=known)
    return int(found)
