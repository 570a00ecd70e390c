"""Options that every command takes."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from recsys_tasks.settings import Settings, read_settings

Dsn = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        metavar="URI",
        help="Postgres to use (RECSYS_DSN); without it the embedded server under var/.",
        show_default=False,
    ),
]
Schema = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="NAME",
        help="Schema of the tenant (RECSYS_SCHEMA).",
        show_default="recsys",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="shop, social, media, education or forum (RECSYS_PRESET).",
        show_default="shop",
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="First day.", show_default=False),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until", formats=["%Y-%m-%d"], help="The day after the last.", show_default=False
    ),
]
Sample = Annotated[
    int | None,
    typer.Option("--sample", metavar="N", help="Replay N user-days, drawn with a seed."),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the rows as JSON.", show_default=False),
]


def settings_of(dsn: str | None, schema: str | None, preset: str | None = None) -> Settings:
    """The environment's settings, under the command's options."""
    return read_settings(dsn=dsn, schema_name=schema, preset=preset)


def day_of(moment: datetime | None) -> date | None:
    """The day that an option names."""
    return moment.date() if moment else None
