"""What it is worth to read more of an item's text, or less.

    python benchmarks/reading.py FOLDER [--preset forum] [--sample 1000]

A folder in the source contract, taken as a night takes it, once for each way to read: rules for
items' texts, tokens, and what becomes of a text that is too long (docs/texts.md). Lists are the
zero-shot model's, and its personal part's alone (without trends), on the last fifth of
interactions; differences are to the defaults, paired, with intervals bootstrapped over users. What
users wrote is left out. Processor time is of taking and embedding, without Postgres's; a text that
was embedded before is not embedded again.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Annotated, Any, NamedTuple

import structlog
import typer

from benchmarks.folders import loaded_folder
from recsys_tasks.backtesting import read_everything, window_of
from recsys_tasks.evaluation import Scorer, differences, replay, summarise
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.modelling.comparing import Reading
from recsys_tasks.settings import preset_of, read_settings
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import History

BASE = "first 128 tokens of all fields"
WAYS: dict[str, dict[str, Any]] = {
    BASE: {},
    "without English stop words": {"stop_words": "english"},
    "without sentences of 1% of the descriptions": {"boilerplate": 0.01},
    "titles alone": {"item_template": "{title}"},
    "first 32 tokens": {"encoder_tokens": 32},
    "first 256 tokens": {"encoder_tokens": 256},
    "all tokens, the mean of parts": {"long_texts": "pool"},
}
ALONE = "{}, without trends"


class Read(NamedTuple):
    """A catalogue as a way reads it.

    Attributes:
        history: With the way's vectors.
        texts: By the key of an item.
        seconds: Of the processor.
    """

    history: History
    texts: dict[int, str]
    seconds: float


def main(
    folder: Path,
    preset: str = "forum",
    sample: Annotated[int | None, typer.Option(help="User-days that are replayed.")] = None,
) -> None:
    """Print a row a way."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with loaded_folder(folder, preset, items_only=True) as (warehouse, settings):
        model = ZeroShot.of(preset_of(settings))
        read = {
            name: _read(warehouse, settings.var, preset, options) for name, options in WAYS.items()
        }
    base = read[BASE].history
    met = replay(
        base.interactions,
        base.catalogue,
        len(base.user_keys),
        list(_scorers(read, model)),
        *window_of(base, None, None),
        ks=(10,),
        targets=("new",),
        max_user_days=sample,
    )
    typer.echo(f"{folder.name}: {len(read[BASE].texts):,} items")
    _tell(read, met)


def _tell(read: dict[str, Read], met: Replay) -> None:
    rows = [row for row in summarise(met) if (row.metric, row.segment) == ("ndcg", "all")]
    found = {row.variant: row.value for row in rows}
    gaps = _gaps(met, list(read)) | _gaps(met, [ALONE.format(name) for name in read])
    typer.echo(f"{rows[0].n:,} user-days")
    typer.echo(
        "| what is read | texts that differ | NDCG@10 | beside the defaults | without trends"
        " | beside the defaults | CPU s |\n| --- | --: | --: | --: | --: | --: | --: |"
    )
    for name, way in read.items():
        alone = ALONE.format(name)
        n = sum(way.texts.get(key) != text for key, text in read[BASE].texts.items())
        typer.echo(
            f"| {name} | {n} | {found[name]:.4f} | {gaps.get(name, '')} | {found[alone]:.4f}"
            f" | {gaps.get(alone, '')} | {way.seconds:.0f} |"
        )


def _gaps(met: Replay, names: list[str]) -> dict[str, str]:
    """Of each but the first to the first, paired."""
    base, *others = names
    gaps = differences(met, others, baselines=[base], metrics=["ndcg"], segments=["all"])
    return {
        gap.variant: f"{gap.difference:+.4f} ({gap.ci_low:+.4f} to {gap.ci_high:+.4f})"
        for gap in gaps
    }


def _read(warehouse: Warehouse, var: Path, preset: str, options: dict[str, Any]) -> Read:
    """Take everything as a night of these options would."""
    begun = process_time()
    history = read_everything(warehouse, read_settings(var=var, preset=preset, **options))
    seconds = process_time() - begun
    with warehouse.transaction() as session:
        return Read(history, dict(session.rows("contents_of_items")), seconds)


def _scorers(read: dict[str, Read], model: ZeroShot) -> Iterator[Scorer]:
    alone = model._replace(trend_weights=(0.0,) * len(model.trend_weights))
    for name, way in read.items():
        for called, part in ((name, model), (ALONE.format(name), alone)):
            scorer = InterestScorer(called, part, way.history.vectors)
            yield Reading(way.history.catalogue, scorer)


if __name__ == "__main__":
    typer.run(main)
