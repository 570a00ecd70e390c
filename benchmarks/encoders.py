"""What a smaller encoder costs: accuracy by the protocol, against size and speed.

    python benchmarks/encoders.py FOLDER [--sample 2000] [--preset shop] [--items-only]
        [--also FOLDER_OR_GGUF_FILE_OF_A_MODEL] [--also-tokens 32]

Every way gives each text of a folder in the source contract a vector. Lists are the zero-shot
model's, so that nothing but the vectors makes a difference, and its personal part's alone (without
trends). The window is the backtest's: the last fifth of interactions. Beside the encoder stand
plain alternatives: words counted, weighed by rareness and reduced (latent semantic analysis), and
words hashed into as many coordinates. Other models are read by the mean of their last hidden
states, or as their makers say; where they are slow they may read fewer tokens of each text, and the
encoder then does so once, too, or what users wrote is left out, for all.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Annotated, NamedTuple

import numpy as np
import structlog
import typer
from numpy.typing import NDArray

from benchmarks.folders import taken_folder
from recsys_tasks.backtesting import ONE_DAY, window_of
from recsys_tasks.encoder import DEFAULT_MAX_TOKENS, Encoder, Recipe, load_encoder
from recsys_tasks.evaluation import differences, replay, summarise
from recsys_tasks.evaluation.replays import Replay
from recsys_tasks.generating import load_causal
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.warehouse import Warehouse, copying
from recsys_tasks.warehouse.history import read_history

BASE = "MiniLM, float32"
DIMS = (192, 96, 48)
SEGMENTS = ("cold", "new_items")
ALONE = "without trends"
Vectors = NDArray[np.float32]


class Way(NamedTuple):
    """How texts become vectors.

    Attributes:
        encoder_id: Names its space.
        dim: Length of a vector.
        texts_a_second: Of processor time, of one core.
        megabytes: Of what computes them.
    """

    encoder_id: str
    dim: int
    texts_a_second: float
    megabytes: float


def main(
    folder: Path,
    sample: Annotated[int | None, typer.Option(help="User-days that are replayed.")] = None,
    preset: str = "shop",
    also: Annotated[list[Path] | None, typer.Option(help="Other models.")] = None,
    also_tokens: Annotated[int, typer.Option(help="That these read.")] = DEFAULT_MAX_TOKENS,
    items_only: Annotated[bool, typer.Option(help="Leave out what users wrote.")] = False,  # noqa: FBT002  typer's way
) -> None:
    """Print the table, row by row as they come."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with taken_folder(folder, preset, items_only=items_only) as (warehouse, settings, _):
        texts = _texts(warehouse)
        typer.echo(f"{folder.name}: {len(texts):,} texts")
        typer.echo(
            "| vectors | dimensions | NDCG@10: all | beside MiniLM | cold users | new items"
            " | without trends | texts a s | MB |"
        )
        typer.echo("| --- | --: | --: | --: | --: | --: | --: | --: | --: |")
        base: Replay | None = None
        others = (_folder_of(model, settings.var) for model in also or [])
        for way, vectors in _ways(texts, others, also_tokens):
            _keep(warehouse, way, vectors)
            met = _met(warehouse, settings, way, sample)
            base = base or met
            figures = " | ".join(_accuracy(met, base, way))
            typer.echo(
                f"| {way.encoder_id} | {way.dim} | {figures} | {way.texts_a_second:,.0f}"
                f" | {way.megabytes:,.0f} |"
            )
    if base is not None:
        sizes = {row.segment: row.n for row in summarise(base) if row.metric == "ndcg"}
        told = (f"{name} {sizes.get(name, 0):,}" for name in ("all", *SEGMENTS))
        typer.echo(f"user-days: {', '.join(told)}")


def _folder_of(model: Path, var: Path) -> Path:
    """The folder of a checkpoint; what a GGUF file holds is written as one, in float32."""
    if model.suffix != ".gguf":
        return model
    tokenizer, causal = load_causal(str(model), "cpu")
    del causal.base_model.config.quantization_config  # it is not that any more
    folder = var / model.stem
    causal.base_model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _texts(warehouse: Warehouse) -> list[str]:
    with warehouse.transaction() as session:
        found = session.select("select content from texts order by text_key")
    return [content for (content,) in found]


def _ways(texts: list[str], others: Iterable[Path], tokens: int) -> Iterator[tuple[Way, Vectors]]:
    """The base, and then the others, those that take longest last."""
    whole = load_encoder(device="cpu")
    way, vectors = _encoded(BASE, whole, texts)
    yield way, vectors
    for dim in DIMS:
        short = vectors[:, :dim] / np.linalg.norm(vectors[:, :dim], axis=1, keepdims=True)
        yield way._replace(encoder_id=f"MiniLM, first {dim}", dim=dim), short
    yield _made("word counts, LSA", _lsa, texts)
    yield _made("hashed words", _hashed, texts)
    quantised = load_encoder(device="cpu", recipe=Recipe(precision="int8"))
    way, vectors = _encoded("MiniLM, int8", quantised, texts)
    yield way._replace(megabytes=_megabytes(whole) / 4), vectors
    if tokens != DEFAULT_MAX_TOKENS:
        yield _encoded(f"MiniLM, {tokens} tokens", load_encoder(max_tokens=tokens), texts)
    for folder in others:
        name = folder.name if tokens == DEFAULT_MAX_TOKENS else f"{folder.name}, {tokens} tokens"
        yield _encoded(name, load_encoder(str(folder), "cpu", tokens), texts)


def _encoded(name: str, encoder: Encoder, texts: list[str]) -> tuple[Way, Vectors]:
    begun = process_time()
    vectors = encoder.encode(texts)
    speed = len(texts) / (process_time() - begun)
    return Way(name, encoder.dim, speed, _megabytes(encoder)), vectors


def _megabytes(encoder: Encoder) -> float:
    weights = encoder.model.state_dict().values()
    return float(sum(weight.numel() * weight.element_size() for weight in weights)) / 1e6


def _made(
    name: str, make: Callable[[list[str]], tuple[Vectors, float]], texts: list[str]
) -> tuple[Way, Vectors]:
    begun = process_time()
    vectors, megabytes = make(texts)
    seconds = process_time() - begun
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return Way(name, vectors.shape[1], len(texts) / seconds, megabytes), vectors


def _lsa(texts: list[str]) -> tuple[Vectors, float]:
    """Deerwester et al., "Indexing by latent semantic analysis" (1990)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    counted = TfidfVectorizer(sublinear_tf=True, min_df=2, dtype=np.float32).fit_transform(texts)
    n = min(384, counted.shape[1] - 1)
    svd = TruncatedSVD(n, random_state=0)
    return svd.fit_transform(counted).astype(np.float32), svd.components_.nbytes / 1e6


def _hashed(texts: list[str]) -> tuple[Vectors, float]:
    """Weinberger et al., "Feature hashing for large scale multitask learning" (2009)."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(n_features=384, dtype=np.float32).transform(texts)
    return np.asarray(hashed.todense(), np.float32), 0.0


def _keep(warehouse: Warehouse, way: Way, vectors: Vectors) -> None:
    """Write the vectors down in a space of their own."""
    with warehouse.transaction(exclusive=True) as session:
        keys = [key for (key,) in session.select("select text_key from texts order by text_key")]
        session.execute("create_staged_vectors")
        columns = (copying.INT4, copying.vector(way.dim))
        session.copy_in("copy_staged_vectors", columns, (np.array(keys, np.int32), vectors))
        session.execute("insert_text_vectors", encoder_id=way.encoder_id, is_query=False)
        session.execute("drop_staged_vectors")


def _met(warehouse: Warehouse, settings: Settings, way: Way, sample: int | None) -> Replay:
    """The zero-shot model's lists over the vectors of a way, and what they met."""
    preset = preset_of(settings)
    with warehouse.transaction() as session:
        last = session.value("day_after_the_last") or session.rows("source_span")[0][1] + ONE_DAY
        history = read_history(session, preset, way, last)
    whole = ZeroShot.of(preset)
    alone = whole._replace(trend_weights=(0.0,) * len(whole.trend_weights))
    return replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        [
            InterestScorer(way.encoder_id, whole, history.vectors),
            InterestScorer(ALONE, alone, history.vectors),
        ],
        *window_of(history, None, None),
        ks=(10,),
        targets=("new",),
        max_user_days=sample,
    )


def _accuracy(met: Replay, base: Replay, way: Way) -> Iterator[str]:
    """NDCG@10, target new: of all and beside the base, with intervals; segments; alone."""
    rows = [row for row in summarise(met) if row.metric == "ndcg"]
    found = {row.segment: row for row in rows if row.variant == way.encoder_id}
    whole = found["all"]
    yield f"{whole.value:.4f} ({whole.ci_low:.4f} to {whole.ci_high:.4f})"
    both = replace(met, lists=base.lists | met.lists)
    gaps = differences(both, [way.encoder_id], baselines=[BASE], metrics=["ndcg"], segments=["all"])
    yield next(
        (f"{gap.difference:+.4f} ({gap.ci_low:+.4f} to {gap.ci_high:+.4f})" for gap in gaps), ""
    )
    for segment in SEGMENTS:
        row = found.get(segment)
        yield "none" if row is None else f"{row.value:.4f}"
    yield next(f"{row.value:.4f}" for row in rows if (row.variant, row.segment) == (ALONE, "all"))


if __name__ == "__main__":
    typer.run(main)
