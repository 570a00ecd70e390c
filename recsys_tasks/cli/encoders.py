"""Commands about encoders: add or tune one beside the serving one, compare, switch, retire."""

from typing import Annotated

import typer
from rich.table import Table

from recsys_tasks import modelling
from recsys_tasks.cli.models import interval_of
from recsys_tasks.cli.options import Dsn, Preset, Schema, Until, day_of, settings_of
from recsys_tasks.cli.output import ANSWERS, ERRORS
from recsys_tasks.encoder import Specification
from recsys_tasks.finetuning import LORA_RANK, Card, TuningOptions
from recsys_tasks.modelling import Comparison
from recsys_tasks.settings import read_settings
from recsys_tasks.terminal import progress, table
from recsys_tasks.warehouse import connect

OPTIONS = TuningOptions()
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `ebbtide encoders` names it.")]

app = typer.Typer(help="Encoders beside the one that serves: docs/encoders.md.")


@app.callback(invoke_without_command=True)
def _list(context: typer.Context, dsn: Dsn = None, schema: Schema = None) -> None:
    """The encoders that were added, the serving one first."""
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(dsn, schema)
    configured = Specification.of(settings).fingerprint
    with connect(settings).transaction() as session:
        rows = session.rows("all_encoders", configured=configured)
    if not any(serves for *_, serves, _, _, _ in rows):
        ANSWERS.print(f"The encoder that the settings name serves: {settings.encoder}.")
    if not rows:
        ANSWERS.print("No other one was added.")
        return
    shown = table("encoder", "state", "vectors", "dimensions ", "texts ", "MB ")
    for name, encoder_id, dim, serves, n_vectors, n_bytes, n_texts in rows:
        texts = f"{n_vectors:,} of {n_texts:,}"
        state = "serving" if serves else "beside"
        shown.add_row(name, state, encoder_id, str(dim), texts, f"{n_bytes / 1e6:,.1f}")
    ANSWERS.print(shown)


@app.command()
def add(
    name: Name,
    model: Annotated[
        str | None, typer.Option("--model", help="The default's name, a folder, or a hub's id.")
    ] = None,
    pooling: Annotated[
        str | None, typer.Option("--pooling", help="auto, mean, cls or last.")
    ] = None,
    dim: Annotated[int | None, typer.Option("--dim", help="First so many dimensions.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32, bfloat16, float16 or int8.")
    ] = None,
    dsn: Dsn = None,
    schema: Schema = None,
) -> None:
    """Add an encoder, and embed every text with it, beside the one that serves.

    What no option says, prompts, tokens and long texts among it, is as the settings have it.
    """
    settings = settings_of(dsn, schema)
    wanted = read_settings(
        dsn=dsn,
        schema_name=schema,
        encoder=model,
        encoder_pooling=pooling,
        encoder_dim=dim,
        encoder_precision=precision,
    )
    with progress(ERRORS.console) as bars:
        task = bars.add_task("embedding", total=None)
        added = modelling.add_encoder(
            connect(settings),
            settings,
            name,
            Specification.of(wanted),
            lambda done, total: bars.update(task, completed=done, total=total),
        )
    ANSWERS.print(
        f"{name} is {added.encoder_id}, {added.dim} dimensions. Next:"
        f" `ebbtide encoders compare {name}`, or `ebbtide train --encoder {name}`."
    )


@app.command()
def tune(  # noqa: PLR0913  what can be chosen, each named
    name: Name,
    base: Annotated[
        str | None,
        typer.Option("--base", help="An encoder by name; else the one that serves."),
    ] = None,
    until: Until = None,
    window: Annotated[
        int, typer.Option("--window", min=0, help="Days between two deeds that are joined.")
    ] = OPTIONS.window,
    *,
    lora: Annotated[
        bool, typer.Option("--lora", help=f"Low-rank adapters (rank {LORA_RANK}), then merged.")
    ] = False,
    layers: Annotated[
        int, typer.Option("--layers", min=0, help="Train the last so many layers; 0 for all.")
    ] = OPTIONS.layers,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.01, help="Training ends there.")
    ] = OPTIONS.minutes,
    passes: Annotated[
        int, typer.Option("--passes", min=1, help="Over the pairs.")
    ] = OPTIONS.max_passes,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=2, help="Pairs learned from at once.")
    ] = OPTIONS.batch_size,
    seed: Annotated[int, typer.Option("--seed", help="Of everything random in it.")] = OPTIONS.seed,
    switch_if_it_wins: Annotated[
        bool, typer.Option("--switch", help="Compare, and let it serve if it wins beyond noise.")
    ] = False,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Tune an encoder on what users did before a day; add it beside the one that serves.

    Without --until it learns from nothing that `compare` judges on.
    """
    settings = settings_of(dsn, schema, preset)
    options = TuningOptions(
        window=window,
        seed=seed,
        minutes=minutes,
        max_passes=passes,
        batch_size=batch_size,
        near=settings.duplicates,
        layers=layers,
        lora=LORA_RANK if lora else 0,
    )
    with progress(ERRORS.console) as bars:
        task = bars.add_task("tuning", total=None)
        card = modelling.tune_encoder(
            connect(settings),
            settings,
            name,
            options,
            base=base,
            until=day_of(until),
            on_progress=lambda done, total: bars.update(task, completed=done, total=total),
        )
    ANSWERS.print(_table_of(name, card))
    if switch_if_it_wins:
        trial = modelling.try_encoder(connect(settings), settings, name)
        ANSWERS.print(_compared(name, trial.comparison))
        ANSWERS.print("It serves from now on." if trial.serves else "What served goes on.")


def _table_of(name: str, card: Card) -> Table:
    """What a tuned encoder learned from."""
    shown = table("encoder", name)
    shown.add_row("tuned from", card.base_id)
    shown.add_row("on the days until", str(card.until))
    shown.add_row("pairs, users, items", f"{card.pairs:,}, {card.users:,}, {card.items:,}")
    shown.add_row("steps", f"{card.steps:,} of {card.planned:,}, {card.seconds:,.0f} s")
    if card.losses:
        shown.add_row("loss, first and last", f"{card.losses[0]:.3f}, {card.losses[-1]:.3f}")
    return shown


@app.command()
def compare(
    name: Name,
    until: Until = None,
    dsn: Dsn = None,
    schema: Schema = None,
    preset: Preset = None,
) -> None:
    """Replay the last days with an encoder and with the one that serves, both zero-shot."""
    settings = settings_of(dsn, schema, preset)
    with ERRORS.console.status("replaying"):
        found = modelling.compare_encoder(connect(settings), settings, name, day_of(until))
    ANSWERS.print(_compared(name, found))


def _compared(name: str, found: Comparison) -> Table:
    shown = table("zero-shot", f"{found.since} until {found.until}, target {found.target}")
    shown.add_row("user-days", f"{found.n:,}")
    shown.add_row(f"NDCG@10 with {name}", f"{found.candidate_ndcg:.4f}")
    shown.add_row("NDCG@10 with the encoder that serves", f"{found.rival_ndcg:.4f}")
    shown.add_row("difference", interval_of(found))
    return shown


@app.command()
def switch(name: Name, dsn: Dsn = None, schema: Schema = None, preset: Preset = None) -> None:
    """Let an encoder serve, once its interests are made; `settings` is the one of the settings."""
    settings = settings_of(dsn, schema, preset)
    with ERRORS.console.status("making its interests beside those that serve"):
        stored = modelling.switch_encoder(connect(settings), settings, name)
    ANSWERS.print(
        f"{stored.encoder_id} serves from now on, with {stored.model_id}; the next night makes its"
        " lists."
    )


@app.command()
def retire(name: Name, dsn: Dsn = None, schema: Schema = None) -> None:
    """Give an encoder up: its name, its vectors and its models' interests go."""
    settings = settings_of(dsn, schema)
    named = modelling.retire_encoder(connect(settings), settings, name)
    ANSWERS.print(f"{name} ({named.encoder_id}) is retired.")
