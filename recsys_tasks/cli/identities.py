"""Commands about what users are called: as in the source, or by pseudonyms."""

import typer

from recsys_tasks import renaming
from recsys_tasks.cli.options import Dsn, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS
from recsys_tasks.warehouse import connect

app = typer.Typer(help="Pseudonyms of users, and who is behind them: docs/personal-data.md.")


@app.callback(invoke_without_command=True)
def _tell(context: typer.Context, dsn: Dsn = None, schema: Schema = None) -> None:
    """What users are called."""
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(dsn, schema)
    with connect(settings).transaction() as session:
        key_id = session.value("identity_key_id")
        n_users = session.value("count_identities")
    if key_id is None:
        ANSWERS.print("Users are called as in the source.")
    else:
        place = f"{settings.schema_name}_identities"
        ANSWERS.print(f"{n_users:,} users are called by pseudonyms of key {key_id}; ids: {place}.")


@app.command()
def rotate(dsn: Dsn = None, schema: Schema = None) -> None:
    """Call users by pseudonyms of RECSYS_IDENTITY_KEY, whatever they are called now."""
    n_users = renaming.rotate(settings_of(dsn, schema))
    ANSWERS.print(f"{n_users:,} users are renamed.")


@app.command()
def off(dsn: Dsn = None, schema: Schema = None) -> None:
    """Call users as in the source again. Unset RECSYS_IDENTITY_KEY too, or nights stop."""
    n_users = renaming.give_back(settings_of(dsn, schema))
    ANSWERS.print(f"{n_users:,} users are renamed.")
