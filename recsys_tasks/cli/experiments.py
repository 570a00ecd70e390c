"""The command that shows what experiments have found, and how long they take."""

from typing import Annotated

import typer

from recsys_tasks.cli.options import Dsn, Schema, settings_of
from recsys_tasks.cli.output import ANSWERS
from recsys_tasks.evaluation.experiments import METRICS, K
from recsys_tasks.evaluation.user_days import SEGMENTS
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.session import Row


def experiments(
    difference: Annotated[
        float,
        typer.Option("--difference", metavar="X", min=1e-9, help="How long until X can be seen?"),
    ] = 0.01,
    metric: Annotated[
        str, typer.Option("--metric", metavar="NAME", help=f"One of {', '.join(METRICS)}.")
    ] = "ndcg",
    segment: Annotated[
        str, typer.Option("--segment", metavar="NAME", help=f"One of {', '.join(SEGMENTS)}.")
    ] = "all",
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """How variants compare with the default so far, and how many nights a difference takes."""
    for value, known in ((metric, METRICS), (segment, SEGMENTS)):
        if value not in known:
            message = f"{value!r} is none of {', '.join(known)}"
            raise typer.BadParameter(message)
    with connect(settings_of(dsn, schema)).transaction() as session:
        found = session.rows("experiments", segment=segment, metric=metric, k=K)
        power = session.rows("nights_to_see", difference=difference, metric=metric, k=K)
    if found:
        _print_found(found, f"{metric}@{K}")
    else:
        ANSWERS.print("Nothing to compare yet: RECSYS_VARIANTS makes variants, nights fill them.")
    if power:
        _print_power(power, f"a difference of {difference:g} in {metric}@{K}")


def _print_found(rows: list[Row], measure: str) -> None:
    """One line a variant and target."""
    shown = table(
        *("variant", "against", "target", "nights ", "user-days "),
        *(f"{measure} ", "against ", "difference"),
        title="Experiments: 95% intervals over users",
    )
    for variant, against, target, nights, n, n_against, value, rival, *gap in rows:
        difference, low, high, is_beyond_noise, *_ = gap
        interval = f"{difference:+.4f}"
        if low is not None:
            interval += f" ({low:+.4f} to {high:+.4f})"
        verdict = ("wins" if difference > 0 else "loses") if is_beyond_noise else "is level"
        sizes = (f"{nights:,}", f"{n:,} / {n_against:,}")
        cells = (f"{value:.4f}", f"{rival:.4f}", f"{interval} {verdict}")
        shown.add_row(variant, against, target, *sizes, *cells)
    ANSWERS.print(shown)


def _print_power(rows: list[Row], what: str) -> None:
    """One line a variant and target; without a variant, what a new one would take."""
    shown = table(
        *("variant", "against", "target", "nights "), title=f"Nights to see {what}, 80% power"
    )
    for variant, against, target, nights in rows:
        shown.add_row(variant or "a new one, half of the users", against, target, f"{nights:,}")
    ANSWERS.print(shown)


COMMANDS = (experiments,)
