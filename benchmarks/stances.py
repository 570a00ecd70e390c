"""Whether stances are right, and what it is worth to weigh by them.

    python benchmarks/stances.py labelled FILE...        # stance beside VADER, on people's verdicts
    python benchmarks/stances.py replay FOLDER [--preset forum]

FILE has a line a text: an id, a verdict from -4 to 4, the text, between tabs; those of Hutto and
Gilbert, "VADER" (2014), lie in vaderSentiment's source package on PyPI, additional_resources.

The replay is the protocol's on a folder in the source contract, the last fifth of interactions and
the fifth before: the zero-shot model with weights as they stand, and turned at several strengths.
What is relevant is told by the plain weights, for all alike.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Annotated

import numpy as np
import structlog
import typer
from numpy.typing import NDArray

from recsys_tasks.backtesting import read_everything
from recsys_tasks.encoder import direction_of, load_encoder, stances
from recsys_tasks.evaluation import differences, last_fifth, replay
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_model.weighing import turn
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import preset_of, read_settings
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.history import History

STRENGTHS = (0.25, 0.5, 1.0)
CLEAR = 1.0  # a verdict beyond it takes a side

app = typer.Typer()


class Turned:
    """The zero-shot model on weights that stances have turned."""

    def __init__(
        self, name: str, model: ZeroShot, history: History, factor: NDArray[np.float64]
    ) -> None:
        """Of a factor an interaction."""
        self.name = name
        self._inner = InterestScorer(name, model, history.vectors)
        happened = history.interactions
        self._weights = (happened.weights * factor).astype(np.float32)
        self._text_weights = (happened.text_weights * factor).astype(np.float32)

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Counts start."""
        self._inner.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The model's."""
        n = len(past)
        turned = replace(past, weights=self._weights[:n], text_weights=self._text_weights[:n])
        return self._inner.scores(turned, users, day)


@app.command()
def labelled(files: list[Path], sample: int = 800) -> None:
    """Rank correlation with the verdicts, and how well those beyond CLEAR are told apart."""
    from scipy.stats import spearmanr
    from sklearn.metrics import roc_auc_score
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    encoder, lexicon = load_encoder(device="cpu"), SentimentIntensityAnalyzer()
    direction = direction_of(encoder)
    for file in files:
        lines = [line.split("\t") for line in file.read_text("utf-8", "replace").splitlines()]
        rows = [line for line in lines if len(line) > 2]
        chosen = np.random.default_rng(0).permutation(len(rows))[:sample]
        texts = [rows[row][2] for row in chosen]
        verdicts = np.array([float(rows[row][1]) for row in chosen])
        begun = process_time()
        ours = encoder.encode(texts, by_users=True) @ direction.vector - direction.middle
        middle = process_time()
        theirs = np.array([lexicon.polarity_scores(text)["compound"] for text in texts])
        times = middle - begun, process_time() - middle
        clear = np.abs(verdicts) > CLEAR
        for name, found, seconds in zip(("anchors", "VADER"), (ours, theirs), times, strict=True):
            typer.echo(
                f"{file.stem}: {name}: rho {spearmanr(found, verdicts)[0]:.3f}, AUC"
                f" {roc_auc_score(verdicts[clear] > 0, found[clear]):.3f}, {seconds:.2f} s"
            )


@app.command("replay")
def replayed(
    folder: Path, preset: Annotated[str, typer.Option(help="Of the place.")] = "forum"
) -> None:
    """NDCG@10, and its paired difference to the weights as they stand."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with TemporaryDirectory() as var:
        settings = read_settings(var=Path(var), preset=preset)
        warehouse = connect(settings)
        load_folder(warehouse, folder)
        history = read_everything(warehouse, settings)
        warehouse.close()
    model = ZeroShot.of(preset_of(settings))
    plain = InterestScorer("plain", model, history.vectors)
    turned = list(_turned(history, model))
    since, until = last_fifth(history.interactions)
    earlier, _ = last_fifth(history.interactions.before(since))
    for first, end in ((since, until), (earlier, since)):
        met = replay(
            history.interactions,
            history.catalogue,
            len(history.user_keys),
            [plain, *turned],
            first,
            end,
            ks=(10,),
            targets=("new",),
        )
        for found in differences(
            met, [one.name for one in turned], baselines=["plain"], metrics=["ndcg"]
        ):
            typer.echo(
                f"{first} to {end}, {found.segment}: {found.variant}: {found.difference:+.4f}"
                f" ({found.ci_low:+.4f} to {found.ci_high:+.4f}), {found.n} user-days"
            )


def _turned(history: History, model: ZeroShot) -> Iterator[Turned]:
    direction = direction_of(load_encoder(device="cpu"))
    happened = history.interactions
    wrote = (happened.texts != NO_ROW) & (happened.weights > 0)
    places = history.vectors[happened.texts[wrote]] @ direction.vector - direction.middle
    said = np.zeros(len(happened), np.float32)
    said[wrote] = stances(places)
    typer.echo(f"of {wrote.sum()} texts {(said < 0).sum()} are against, {(said > 0).sum()} for")
    for strength in STRENGTHS:
        yield Turned(f"stance {strength}", model, history, turn(said, strength))


if __name__ == "__main__":
    app()
