"""Commands about models: train, and models with ablate, serve and retire."""

from typing import Annotated

import typer
from rich.table import Table

from recsys_tasks import ablating, modelling
from recsys_tasks.ablating import SAMPLE, WHOLE
from recsys_tasks.cli.options import Dsn, Preset, Schema, Until, day_of, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.modelling import Comparison, Outcome
from recsys_tasks.terminal import table
from recsys_tasks.warehouse import connect

ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="As `ebbtide models` names it.")]

app = typer.Typer(help="The models that there are: which one serves, and how good each was.")


def train(
    until: Until = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Let it serve whatever the comparison says.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of everything random in it.")] = 0,
    second_stage: Annotated[
        bool, typer.Option(help="Train what ranks candidates again as well.")
    ] = True,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            metavar="NAME",
            help="On the vectors of an added encoder, which serves with the model.",
            show_default=False,
        ),
    ] = None,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Train a new model; it serves only if it beats the serving one beyond noise."""
    settings = settings_of(dsn, schema, preset)
    with ERRORS.console.status("training") as status:
        outcome = modelling.train(
            connect(settings),
            settings,
            day_of(until),
            force=force,
            seed=seed,
            second_stage=second_stage,
            encoder=encoder,
            on_stage=status.update,
        )
    ANSWERS.print(_table_of(outcome))
    ANSWERS.print(_verdict(outcome))


def _table_of(outcome: Outcome) -> Table:
    """One line a fact."""
    shown = table("model", outcome.model_id)
    shown.add_row("trained on the days until", str(outcome.trained_until))
    for name, value in outcome.facts.items():
        shown.add_row(name.replace("_", " "), f"{value:,.4g}" if value % 1 else f"{value:,.0f}")
    found = outcome.comparison
    if found is not None:
        shown.add_row("compared on", f"{found.since} until {found.until}, target {found.target}")
        shown.add_row("user-days", f"{found.n:,}")
        shown.add_row("NDCG@10 of a model trained before", f"{found.candidate_ndcg:.4f}")
        shown.add_row(f"NDCG@10 of {found.rival}, which served", f"{found.rival_ndcg:.4f}")
        shown.add_row("difference", interval_of(found))
    return shown


def interval_of(found: Comparison) -> str:
    """The difference in NDCG@10, and its interval."""
    return f"{found.difference:+.4f} ({found.ci_low:+.4f} to {found.ci_high:+.4f})"


def _verdict(outcome: Outcome) -> str:
    """What became of the model, and what can be done about it."""
    found = outcome.comparison
    if outcome.serves and found is not None and found.wins:
        return "It wins beyond noise and serves from now on; the next night makes its lists."
    if outcome.serves:
        return "It was forced, and serves from now on; the next night makes its lists."
    knew = "; the serving model knew some of these days" if found and found.rival_knew_it else ""
    return (
        f"It does not win beyond noise{knew}: what served goes on, and the new model is kept."
        f" `ebbtide models serve {outcome.model_id}` lets it serve all the same."
    )


@app.callback(invoke_without_command=True)
def _list(context: typer.Context, dsn: Dsn = None, schema: Schema = None) -> None:
    """The models that there are, the serving one first."""
    if context.invoked_subcommand is not None:
        return
    with connect(settings_of(dsn, schema)).transaction() as session:
        rows = session.rows("all_models")
    if not rows:
        ANSWERS.print("There is no model yet: the first night makes one.")
        return
    shown = table(
        "model", "kind", "state", "trained until", "interactions ", "against the one then"
    )
    for model_id, kind, state, until, facts, validation in rows:
        n = facts.get("interactions")
        cells = (str(until or ""), f"{n:,.0f}" if n else "", _validation(validation))
        shown.add_row(model_id, kind, state, *cells)
    ANSWERS.print(shown)


def _validation(found: dict[str, float]) -> str:
    """Its difference in NDCG@10 to the model that served then; empty where it was not compared."""
    if "difference" not in found:
        return ""
    interval = f"{found['ci_low']:+.4f} to {found['ci_high']:+.4f}"
    return f"{found['difference']:+.4f} ({interval}) NDCG@10"


@app.command()
def ablate(
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", min=1, help="User-days that are replayed.")
    ] = SAMPLE,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Say what each part of the model is worth: train it without, and replay the last days."""
    settings = settings_of(dsn, schema, preset)
    with ERRORS.console.status("ablations") as status:
        found = ablating.ablate(
            connect(settings), settings, max_user_days=sample, on_stage=status.update
        )
    shown = table("without", "NDCG@10", "beside the whole model")
    for part in found.rows:
        interval = f"{part.difference:+.4f} ({part.ci_low:+.4f} to {part.ci_high:+.4f})"
        shown.add_row(part.without, f"{part.ndcg:.4f}", "" if part.without == WHOLE else interval)
    ANSWERS.print(shown)
    ANSWERS.print(
        f"First stages trained on what precedes {found.since}, on {found.n:,} user-days from then"
        f" until {found.until}, target {found.target}, with 95% intervals."
    )


@app.command()
def serve(model: ModelId, dsn: Dsn = None, schema: Schema = None, preset: Preset = None) -> None:
    """Let a kept model serve again, once its interests are up to date."""
    settings = settings_of(dsn, schema, preset)
    with ERRORS.console.status("making its interests anew"):
        stored = modelling.serve_model(connect(settings), settings, model)
    ANSWERS.print(f"{stored.model_id} serves from now on; the next night makes its lists.")


@app.command()
def retire(model: ModelId, dsn: Dsn = None, schema: Schema = None) -> None:
    """Give a kept model up: its interests go, its parameters stay."""
    stored = modelling.retire_model(connect(settings_of(dsn, schema)), model)
    ANSWERS.print(f"{stored.model_id} is retired.")


COMMANDS = (train,)
