"""The command about rights: access."""

from typing import Annotated

import typer

from recsys_tasks.cli.options import Dsn, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.access import Role, roles, script, secure


def access(
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Make the roles and put rights in order, as this login.")
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print what an administrator runs in psql, and no more.")
    ] = False,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """Who may do what in the schema: its roles and their members, and what is missing."""
    settings = settings_of(dsn, schema)
    warehouse = connect(settings)
    with warehouse.transaction(exclusive=apply) as session:
        if apply:
            secure(session)
        if sql:
            ANSWERS.print(script(session))
            return
        found = roles(session)
        is_encrypted = session.value("is_encrypted")
        is_open = session.value("public_can_create")
    _print(found)
    missing = [role.name for role in found if not role.is_there or role.can_log_in]
    if missing:
        ERRORS.say(
            f"{', '.join(missing)}: no such group role. Let an administrator run what"
            " `ebbtide access --sql` prints"
        )
    if not is_encrypted:
        ERRORS.say("this connection is not encrypted: add sslmode=verify-full to the DSN")
    if is_open:
        ERRORS.say(
            "anybody may create in schema public: revoke create on schema public from public"
        )
    if missing:
        raise typer.Exit(1)


def _print(found: list[Role]) -> None:
    rows = table("role", "state", "members")
    for role in found:
        state = "missing" if not role.is_there else "can log in" if role.can_log_in else "there"
        rows.add_row(role.name, state, ", ".join(role.members) or "nobody")
    ANSWERS.print(rows)


COMMANDS = (access,)
