"""Commands that judge: backtest and doctor."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from recsys_tasks import diagnosing
from recsys_tasks.backtesting import Backtest
from recsys_tasks.backtesting import backtest as run_backtest
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
from recsys_tasks.demo import run as run_demo
from recsys_tasks.evaluation import TARGETS, Evaluation
from recsys_tasks.evaluation.records import records
from recsys_tasks.terminal import progress, table
from recsys_tasks.warehouse import connect


class Retrain(StrEnum):
    """How often a backtest trains anew."""

    weekly = "weekly"


SHOWN = (("ndcg", 10), ("recall", 10), ("hit_rate", 10), ("mrr", 10), ("ndcg", 50), ("auc", None))


def backtest(
    since: Since = None,
    until: Until = None,
    json_file: JsonFile = None,
    sample: Sample = None,
    retrain: Annotated[
        Retrain | None,
        typer.Option("--retrain", help="Train anew within the window.", show_default=False),
    ] = None,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Replay a window of the past, variants beside baselines; nothing that is served changes."""
    settings = settings_of(dsn, schema, preset)
    with progress(ERRORS.console) as bars:
        task = bars.add_task("reading, training, tuning baselines", total=None)
        found = run_backtest(
            connect(settings),
            settings,
            day_of(since),
            day_of(until),
            max_user_days=sample,
            retrain_every=7 if retrain else None,
            on_day=lambda done, total: bars.update(
                task, completed=done, total=total, description="days"
            ),
        )
    _print(found)
    if json_file:
        json_file.write_text(json.dumps(records(found.evaluations), indent=1) + "\n", "utf-8")


def _print(found: Backtest) -> None:
    replayed, known = found.user_days
    sampled = "" if replayed == known else f" (a sample of {known:,})"
    ANSWERS.print(f"{found.since} until {found.until}: {replayed:,} user-days{sampled}")
    for target in TARGETS:
        for segment in ("all", "cold", "light", "warm", "new_items"):
            rows = [e for e in found.evaluations if (e.target, e.segment) == (target, segment)]
            if rows:
                _print_table(target, segment, rows)
    for gap in found.differences:
        if (gap.metric, gap.k, gap.segment) == ("ndcg", 10, "all"):
            verdict = "wins" if gap.wins else "loses" if gap.ci_high < 0 else "is level"
            ANSWERS.print(
                f"Target {gap.target}: {gap.variant} {verdict} against {gap.baseline}, the best "
                f"baseline: {gap.difference:+.4f} ({gap.ci_low:+.4f} to {gap.ci_high:+.4f}) NDCG@10"
            )


def _print_table(target: str, segment: str, rows: list[Evaluation]) -> None:
    """One line a variant, best NDCG@10 first, with its interval."""
    by_variant: dict[str, dict[tuple[str, int | None], Evaluation]] = {}
    for row in rows:
        by_variant.setdefault(row.variant, {})[row.metric, row.k] = row
    ordered = sorted(by_variant.items(), key=lambda pair: -pair[1]["ndcg", 10].value)
    headings = [f"{metric}@{k} " if k else f"{metric} " for metric, k in SHOWN]
    n = ordered[0][1]["ndcg", 10].n
    title = f"target {target}, segment {segment}: {n:,} user-days"
    shown = table("variant", *headings, title=title)
    for variant, figures in ordered:
        best = figures["ndcg", 10]
        cells = [f"{best.value:.4f} ({best.ci_low:.4f}-{best.ci_high:.4f})"]
        cells += [f"{figures[key].value:.4f}" for key in SHOWN[1:]]
        shown.add_row(variant, *cells)
    ANSWERS.print(shown)
    ANSWERS.print()


def doctor(dsn: Dsn = None, schema: Schema = None, preset: Preset = None) -> None:
    """Say what is wrong with this installation, and the remedy."""
    is_well = True
    for finding in diagnosing.diagnose(settings_of(dsn, schema, preset)):
        mark = "ok   " if finding.is_well else "WRONG"
        ANSWERS.print(f"{mark}  {finding.what}")
        if finding.remedy:
            ANSWERS.print(f"       {finding.remedy}")
        is_well = is_well and finding.is_well
    if not is_well:
        ERRORS.say("something is wrong; the remedies stand above")
        raise typer.Exit(1)


def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="In the source contract; MovieLens small without it.")
    ] = None,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Replay a stretch of nights, the last one through Airflow, and show what they leave."""
    run_demo(ANSWERS, settings_of(dsn, schema, preset), folder)


COMMANDS = (backtest, doctor, demo)
