"""Commands that write: migrate, load, night, refresh, replay."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final

import typer

from recsys_tasks import nightly
from recsys_tasks.cli.options import Dsn, Preset, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.loading import FileReport, load_folder
from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts
from recsys_tasks.terminal import progress, table
from recsys_tasks.warehouse import Warehouse, connect


def migrate(dsn: Dsn = None, schema: Schema = None) -> None:
    """Bring the schema up to date; other commands do it on their way."""
    settings = settings_of(dsn, schema)
    warehouse = connect(settings)
    with warehouse.transaction() as session:
        version = session.value("schema_version")
    ANSWERS.print(f"Schema {settings.schema_name} is at version {version}.")


def load(
    folder: Annotated[Path, typer.Argument(help="Of items, users and events: .csv or .parquet.")],
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """Load a folder in the source contract into the source tables (schema app)."""
    settings = settings_of(dsn, schema)
    warehouse = connect(settings)
    with progress(ERRORS.console) as bars:
        tasks = {}

        def on_progress(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total)
            bars.update(tasks[file], completed=done)

        reports = load_folder(warehouse, folder, on_progress, settings)
    _print_reports(reports)
    cut = [report for report in reports if report.truncated]
    for report in cut:
        ERRORS.say(f"{report.file}: {report.truncated}")
    if cut:
        raise typer.Exit(1)


def _print_reports(reports: Sequence[FileReport]) -> None:
    """What became of every file, and why rows were rejected."""
    files = table("file", "rows ", "kept ", "rejected ", "seconds ")
    for report in reports:
        n_rejected = sum(report.rejected.values())
        counts = (f"{report.rows:,}", f"{report.kept:,}", f"{n_rejected:,}")
        files.add_row(report.file, *counts, f"{report.seconds:.1f}")
    ANSWERS.print(files)
    for report in reports:
        for reason, n in sorted(report.rejected.items()):
            ANSWERS.print(f"{report.file}: {n:,} rejected: {reason}")
        if report.ignored_columns:
            ANSWERS.print(f"{report.file}: columns not used: {', '.join(report.ignored_columns)}")
    if any(report.rejected for report in reports):
        ANSWERS.print("Rejected rows are kept, with file and line, in rejected_interactions.")


def night(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The behaviour day.")],
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
    shards: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            metavar="N",
            help="Make lists in N parts, by processes, as many at once as there are processors"
            " (RECSYS_SHARDS).",
            show_default="1, or one for two processors where lists are many",
        ),
    ] = None,
    despite: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GATE",
            help="Publish this night whatever the gate finds; the ledger says so. Repeat the option"
            " for more gates.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run one night: take the day in, publish lists for the next, judge last night's."""
    settings = settings_of(dsn, schema, preset)
    if shards is not None:
        settings = settings.model_copy(update={"shards": shards})
    nightly.open_gates(day.date(), settings, despite or ())
    steps = table("step", "seconds ", "what it did")
    begun = [perf_counter()]
    with ERRORS.console.status(f"night {day.date()}") as status:

        def on_step(step: str) -> None:
            begun.append(perf_counter())
            status.update(f"night {day.date()}: {step}")

        done = nightly.run_night(settings, day.date(), on_step)
    ends = [*begun[2:], perf_counter()]
    for (step, counts), start, end in zip(done.items(), begun[1:], ends, strict=True):
        steps.add_row(step, f"{end - start:.1f}", _in_words(counts))
    ANSWERS.print(steps)


def refresh(
    day: Annotated[
        datetime | None,
        typer.Option("--day", formats=["%Y-%m-%d"], help="A day that is not over; else today."),
    ] = None,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Give users active today lists from the day so far; they last until its night."""
    settings = settings_of(dsn, schema, preset)
    with ERRORS.console.status("refresh"):
        counts = nightly.run_refresh(settings, day.date() if day else None)
    delays = {name: n for name, n in counts.items() if name.startswith(SECONDS)}
    done = {name: n for name, n in counts.items() if name not in delays}
    ANSWERS.print(f"Refreshed: {_in_words(done)}.")
    for name, seconds in delays.items():
        what = name.removeprefix(SECONDS).replace("_", " ")
        ANSWERS.print(f"From event to list, {what}: {timedelta(seconds=seconds)}.")


SECONDS: Final = "seconds_of_"  # how counts of time are called


def _in_words(counts: Counts) -> str:
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items())


def replay(
    since: Annotated[datetime, typer.Option("--since", formats=["%Y-%m-%d"], help="First day.")],
    until: Annotated[
        datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="The day after the last.")
    ],
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Run the nights of a stretch of days in order, and say how good they were."""
    settings = settings_of(dsn, schema, preset)
    days = list(nightly.days_between(since.date(), until.date()))
    took: list[float] = []
    with progress(ERRORS.console) as bars:
        task = bars.add_task("nights", total=len(days))
        for day in days:
            start = perf_counter()
            nightly.run_night(settings, day)
            took.append(perf_counter() - start)
            bars.update(task, advance=1, description=f"night {day}")
    rest = sorted(took[1:]) or took
    ANSWERS.print(
        f"{len(days)} nights in {sum(took):.0f} s: the first {took[0]:.1f} s (it takes all that "
        f"came before it), then {rest[len(rest) // 2]:.1f} s in the middle, {rest[-1]:.1f} s at "
        f"most."
    )
    print_nights(connect(settings), settings, since.date(), until.date())


def print_nights(warehouse: Warehouse, settings: Settings, since: date, until: date) -> None:
    """Rows that nights left, and their evaluation beside popularity."""
    with warehouse.transaction() as session:
        sizes = session.rows("table_sizes")
        judged = session.rows("mean_evaluations", since=since, until=until)
    ANSWERS.print(
        f"Schema {settings.schema_name}: "
        + ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in sizes)
    )
    if not judged:
        ANSWERS.print("No list met behaviour yet: evaluation starts with the second night.")
        return
    figures = table("target", "variant", "NDCG@10 ", "recall@10 ", "hit rate@10 ", "user-days ")
    for target, variant, ndcg, recall, hit_rate, n in judged:
        means = (f"{mean:.4f}" for mean in (ndcg, recall, hit_rate))
        figures.add_row(target, variant, *means, f"{n:,}")
    ANSWERS.print(figures)


COMMANDS = (migrate, load, night, refresh, replay)
