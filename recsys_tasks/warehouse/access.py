"""Who may do what in a schema: three roles named after it, which nobody logs in as."""

from typing import NamedTuple

import structlog
from psycopg2 import extensions

from recsys_tasks.warehouse.session import Session

log = structlog.get_logger()


class Role(NamedTuple):
    """A role of a schema.

    Attributes:
        name: As in recsys_reader.
        is_there: Whether the server has it.
        can_log_in: Then it is someone else's, and is given nothing.
        members: Roles that have its rights, ascending.
    """

    name: str
    is_there: bool
    can_log_in: bool
    members: list[str]


def secure(session: Session) -> list[str]:
    """Put the rights of the session's schema in order; what is in order stays.

    Returns:
        The roles that got nothing: they are not there and may not be made, or someone can log in
        as them.
    """
    if not session.value("can_be_secured"):
        return []
    missing: list[str] = session.value("secure_schema")
    if missing:
        log.warning(
            "roles are missing, and this login may not make them: see `ebbtide access`",
            schema=session.schema,
            roles=missing,
        )
    return missing


def roles(session: Session) -> list[Role]:
    """The schema's roles: pipeline, reader, analyst."""
    return [Role(*row) for row in session.rows("access_roles")]


def script(session: Session) -> str:
    """What an administrator runs in psql where the schema's owner may not make roles."""
    schema = extensions.quote_ident(session.schema, session.connection)
    missing = [
        f"create role {extensions.quote_ident(role.name, session.connection)} nologin;"
        for role in roles(session)
        if not role.is_there
    ]
    return "\n".join([*missing, f"select {schema}.secure_schema();"])
