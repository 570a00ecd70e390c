"""The command that compares policies of decay."""

import json
from typing import Annotated

import typer

from recsys_tasks.cli.options import (
    Dsn,
    JsonFile,
    Preset,
    Sample,
    Schema,
    Since,
    Until,
    day_of,
    settings_of,
)
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.comparing_decay import Compared, Table, compare_decay
from recsys_tasks.evaluation.intervals import Interval
from recsys_tasks.evaluation.records import records
from recsys_tasks.terminal import progress, table
from recsys_tasks.warehouse import connect

Learned = Annotated[
    bool, typer.Option(help="Train models before the window, and compare them too.")
]
PARTS = {"personal": "personal part of the score alone", "whole": "whole score"}


def decay(
    since: Since = None,
    until: Until = None,
    json_file: JsonFile = None,
    sample: Sample = None,
    learned: Learned = True,  # noqa: FBT002  an option, named where it is used
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Compare ways to let interests ebb over a window of the past; nothing served changes."""
    settings = settings_of(dsn, schema, preset)
    with progress(ERRORS.console) as bars:
        task = bars.add_task("reading, training" if learned else "reading", total=None)
        found = compare_decay(
            connect(settings),
            settings,
            day_of(since),
            day_of(until),
            learned=learned,
            max_user_days=sample,
            on_day=lambda done, total: bars.update(
                task, completed=done, total=total, description="days"
            ),
        )
    replayed, known = found.user_days
    sampled = "" if replayed == known else f" (a sample of {known:,})"
    ANSWERS.print(f"{found.since} until {found.until}: {replayed:,} user-days{sampled}")
    for compared in found.tables:
        _print_table(compared)
    ANSWERS.print("* the single half-life that was best on the days before the window")
    if json_file:
        json_file.write_text(json.dumps(records(found.evaluations), indent=1) + "\n", "utf-8")


def _print_table(compared: Table) -> None:
    """One line a policy, in their order, with what it is worth beside the best fixed one."""
    n = compared.rows[0].ndcg.n
    shown = table(
        *("policy", "parameters", "ndcg@10 ", "recall@10 ", f"beside {compared.best_fixed} "),
        title=f"target {compared.target}, {PARTS[compared.part]}: {n:,} user-days",
    )
    for row in compared.rows:
        beside = "" if row.variant == compared.best_fixed else _gap(row)
        mark = " *" if row.is_chosen else ""
        figures = (_with_interval(row.ndcg), f"{row.recall.mean:.4f}", beside)
        shown.add_row(f"{row.variant}{mark}", row.parameters, *figures)
    ANSWERS.print(shown)
    ANSWERS.print()


def _with_interval(figure: Interval) -> str:
    return f"{figure.mean:.4f} ({figure.low:.4f}-{figure.high:.4f})"


def _gap(row: Compared) -> str:
    """The paired difference, its interval, and what follows."""
    gap = row.gap
    verdict = "wins" if gap.low > 0 else "loses" if gap.high < 0 else "level"
    return f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}) {verdict}"


COMMANDS = (decay,)
