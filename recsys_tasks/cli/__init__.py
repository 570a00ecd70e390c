"""Commands. Exit status 0, or 1 with one line on standard error, or 2 for wrong usage."""

import sys

import typer

from recsys_tasks.cli import (
    access,
    asking,
    encoders,
    experiments,
    identities,
    judging,
    models,
    nights,
    people,
    plan,
    policies,
    privacy,
    sealed,
    standalone,
    topics,
    why,
)
from recsys_tasks.cli.output import ERRORS, set_up_logging
from recsys_tasks.errors import EbbtideError

app = typer.Typer(
    name="ebbtide",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Interests that ebb with time, turned every night into recommendations in Postgres.",
)
for command in (
    *nights.COMMANDS,
    *models.COMMANDS,
    *judging.COMMANDS,
    *policies.COMMANDS,
    *privacy.COMMANDS,
    *experiments.COMMANDS,
    *asking.COMMANDS,
    *why.COMMANDS,
    *topics.COMMANDS,
    *people.COMMANDS,
    *access.COMMANDS,
    *plan.COMMANDS,
    *standalone.COMMANDS,
):
    app.command()(command)
app.add_typer(models.app, name="models")
app.add_typer(sealed.app, name="sealed")
app.add_typer(encoders.app, name="encoders")
app.add_typer(identities.app, name="identities")
# A statement may begin with a comment, which looks like an option.
app.command(context_settings={"ignore_unknown_options": True})(asking.sql)


@app.callback()
def _before(
    *,
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log steps to standard error."),
    debug: bool = typer.Option(False, "--debug", help="Show where an error comes from."),
) -> None:
    set_up_logging(verbose=verbose)
    if debug:
        ERRORS.show_tracebacks = True


def main() -> None:
    """Run a command, and say in one line what went wrong."""
    try:
        app()  # ends with SystemExit, also after wrong usage, which it explains itself
    except EbbtideError as error:
        ERRORS.say(str(error))
    except Exception as error:  # noqa: BLE001  nobody should have to read a traceback unasked
        ERRORS.say(f"unexpected {type(error).__name__}: {error} (a bug; --debug shows where)")
    sys.exit(1)
