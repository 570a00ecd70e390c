"""Commands about personal data: erase, verify, export, maintain."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from recsys_tasks import exporting
from recsys_tasks.cli.options import Dsn, Preset, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.erasing import erase as erase_user
from recsys_tasks.erasing import verify as verify_report
from recsys_tasks.errors import BadSettings, first_line
from recsys_tasks.maintaining import maintain as maintain_schema

Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write it there.", show_default="terminal"),
]


def erase(
    user: Annotated[str, typer.Argument(help="The source's user_id.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    tombstone: Annotated[
        bool, typer.Option("--tombstone", help="Keep out also whom nothing is held about.")
    ] = False,
    source: Annotated[
        bool, typer.Option("--source", help="Also from the tables that `ebbtide load` fills.")
    ] = False,
    output: Output = None,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Erase a user for good, and keep them out; the signed report of it is the proof."""
    settings = settings_of(dsn, schema, preset)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Erase user {user} from {settings.schema_name} for good?", abort=True)
    with ERRORS.console.status("erasing"):
        report = erase_user(settings, user, leave_tombstone=tombstone, from_source=source)
    _write(report.as_json(), output)
    if report.rows_in_source:
        ERRORS.console.print(
            f"The source {report.source} still has {report.rows_in_source:,} rows of them, which"
            f" are not taken in any more."
        )


def verify(
    file: Annotated[Path, typer.Argument(help="A report that `ebbtide erase` wrote.")],
    user: Annotated[
        str | None, typer.Argument(help="Whom it should be about.", show_default=False)
    ] = None,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """Whether the report of an erasure is genuine, unchanged, and about a user."""
    report = verify_report(settings_of(dsn, schema), _read(file), user)
    n = sum(report.rows.values())
    ANSWERS.print(
        f"Genuine: {n:,} rows were deleted or changed at {report.erased_at}, and the user was found"
        f" in none of {report.n_columns} columns."
    )


def export(
    user: Annotated[str, typer.Argument(help="The source's user_id.")],
    output: Output = None,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """All that is held about a user, as JSON."""
    _write(exporting.export(settings_of(dsn, schema), user).as_json(), output)


def maintain(dsn: Dsn = None, schema: Schema = None, preset: Preset = None) -> None:
    """Drop what need not be kept, hold totals against their deltas, and vacuum."""
    settings = settings_of(dsn, schema, preset)
    with ERRORS.console.status("maintaining"):
        counts = maintain_schema(settings)
    for name, n in counts.items():
        ANSWERS.print(f"{n:>12,}  {name.replace('_', ' ')}")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(problem=f"{file} cannot be read ({first_line(error)})") from error


def _write(content: str, output: Path | None) -> None:
    """To the file, or to standard output as it stands."""
    if output is None:
        sys.stdout.write(content + "\n")
        return
    try:
        output.write_text(content + "\n", "utf-8")
    except OSError as error:
        raise BadSettings(problem=f"{output} cannot be written ({first_line(error)})") from error


COMMANDS = (erase, verify, export, maintain)
