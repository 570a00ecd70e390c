"""What tuning the encoder on users' behaviour is worth, by the protocol.

    python benchmarks/tuning.py FOLDER OUT [--preset shop] [--minutes 60] [--layers 2]

A folder in the source contract; the default encoder, tuned on what precedes the last fifth of
interactions and saved in OUT, beside itself and beside words hashed into as many coordinates.
Lists are the zero-shot model's, and its personal part's alone (without trends). What users wrote is
left out.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import structlog
import typer
from accelerate import Accelerator
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from benchmarks.folders import taken_folder
from recsys_tasks.encoder import load_encoder
from recsys_tasks.evaluation import Scorer, differences, last_fifth, replay, summarise
from recsys_tasks.finetuning import TuningOptions, pairs_of
from recsys_tasks.finetuning.batching import Material
from recsys_tasks.finetuning.fitting import tune
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.modelling.comparing import Reading
from recsys_tasks.settings import preset_of
from recsys_tasks.warehouse.history import History


class Place(NamedTuple):
    """What is read once: the history, and each item's text, empty where it has none."""

    history: History
    texts: list[str]
    model: ZeroShot


def main(
    folder: Path,
    out: Path,
    preset: str = "shop",
    sample: int = 2000,
    minutes: float = 60.0,
    layers: int = 0,
    learning_rate: float = TuningOptions.learning_rate,
    pairs_of_user: int = TuningOptions.pairs_of_user,
) -> None:
    """Tune, and print NDCG@10 on new items by segment, and the paired differences to the base."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    options = TuningOptions(
        minutes=minutes,
        layers=layers,
        learning_rate=learning_rate,
        pairs_of_user=pairs_of_user,
        max_passes=1,
    )
    place = _read(folder, preset)
    since, until = last_fifth(place.history.interactions)
    scorers = list(_scorers(place, {"tuned": _tuned(place, options, since, out)}))
    met = replay(
        place.history.interactions,
        place.history.catalogue,
        len(place.history.user_keys),
        scorers,
        since,
        until,
        ks=(10,),
        targets=("new",),
        max_user_days=sample,
    )
    for row in summarise(met):
        if row.metric == "ndcg":
            typer.echo(f"{row.variant}, {row.segment}: {row.value:.4f}, {row.n} user-days")
    names = [scorer.name for scorer in scorers if scorer.name != "base"]
    for gap in differences(met, names, baselines=["base"], metrics=["ndcg"], segments=["all"]):
        interval = f"{gap.ci_low:+.4f} to {gap.ci_high:+.4f}"
        typer.echo(f"{gap.variant} beside base: {gap.difference:+.4f} ({interval})")


def _read(folder: Path, preset: str) -> Place:
    with (
        taken_folder(folder, preset, items_only=True) as (warehouse, settings, history),
        warehouse.transaction() as session,
    ):
        contents: dict[int, str] = dict(session.rows("contents_of_items"))
    texts = [contents.get(key, "") for key in history.item_keys.tolist()]
    return Place(history, texts, ZeroShot.of(preset_of(settings)))


def _tuned(place: Place, options: TuningOptions, cut: int, out: Path) -> NDArray[np.float32]:
    """Vectors of all items by the encoder that has learned from what precedes the cut."""
    history, encoder = place.history, load_encoder(device="cpu")
    pairs = pairs_of(
        history.interactions, history.catalogue, cut, options.window, options.pairs_of_user
    )
    texts = [place.texts[row] for row in pairs.items]
    material = Material(pairs, texts, history.vectors[pairs.items])
    how = tune(encoder.model, encoder.dim, material, options, Accelerator(cpu=True))
    encoder.model.save_pretrained(str(out), create_model_card=False)
    typer.echo(
        f"{len(pairs)} pairs, {len(how.losses)} of {how.planned} steps, {how.seconds:.0f} s,"
        f" loss {np.mean(how.losses[:5]):.3f} to {np.mean(how.losses[-5:]):.3f}"
    )
    return encoder.encode(place.texts)


def _scorers(place: Place, tuned: dict[str, NDArray[np.float32]]) -> Iterator[Scorer]:
    catalogue = place.history.catalogue
    counted = HashingVectorizer(n_features=catalogue.vectors.shape[1], dtype=np.float32)
    hashed = np.asarray(counted.transform(place.texts).todense(), np.float32)
    alone = place.model._replace(trend_weights=(0.0,) * len(place.model.trend_weights))
    yield InterestScorer("base", place.model, place.history.vectors)
    for name, vectors in ({"base": catalogue.vectors} | tuned | {"hashed": hashed}).items():
        reading = replace(catalogue, vectors=vectors)
        if name != "base":
            yield Reading(reading, InterestScorer(name, place.model, vectors))
        only = f"{name}, without trends"
        yield Reading(reading, InterestScorer(only, alone, vectors))


if __name__ == "__main__":
    typer.run(main)
