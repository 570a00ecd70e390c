"""What a smaller encoder costs: accuracy by the protocol, against size and speed.

    python benchmarks/encoders.py FOLDER [--sample 2000] [--preset shop] [--also FOLDER_OF_A_MODEL]

Every way gives each text of a folder in the source contract a vector. Lists are the zero-shot
model's, so that nothing but the vectors makes a difference. The window is the backtest's: the last
fifth of interactions. Beside the encoder stand plain alternatives: words counted, weighed by
rareness and reduced (latent semantic analysis), and words hashed into as many coordinates.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Annotated, NamedTuple

import numpy as np
import structlog
import typer
from numpy.typing import NDArray

from recsys_tasks.backtesting import ONE_DAY, read_everything, window_of
from recsys_tasks.encoder import Encoder, Recipe, load_encoder
from recsys_tasks.evaluation import replay, summarise
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import Settings, preset_of, read_settings
from recsys_tasks.warehouse import Warehouse, connect, copying
from recsys_tasks.warehouse.history import read_history

DIMS = (192, 96, 48)
SEGMENTS = ("all", "cold", "new_items")
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
    also: Annotated[list[Path] | None, typer.Option(help="Folders of other models.")] = None,
) -> None:
    """Print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with TemporaryDirectory() as var:
        settings = read_settings(var=Path(var), preset=preset)
        warehouse = connect(settings)
        load_folder(warehouse, folder)
        read_everything(warehouse, settings)
        typer.echo(
            "| vectors | dimensions | NDCG@10: all | cold users | new items | texts a s | MB |"
        )
        typer.echo("| --- | --: | --: | --: | --: | --: | --: |")
        for way, vectors in _ways(_texts(warehouse), also or []):
            _keep(warehouse, way, vectors)
            figures = " | ".join(_accuracy(warehouse, settings, way, sample))
            typer.echo(
                f"| {way.encoder_id} | {way.dim} | {figures} | {way.texts_a_second:,.0f}"
                f" | {way.megabytes:,.0f} |"
            )


def _texts(warehouse: Warehouse) -> list[str]:
    with warehouse.transaction() as session:
        found = session.select("select content from texts order by text_key")
    return [content for (content,) in found]


def _ways(texts: list[str], others: Sequence[Path]) -> Iterator[tuple[Way, Vectors]]:
    whole = load_encoder(device="cpu")
    way, vectors = _encoded("MiniLM, float32", whole, texts)
    yield way, vectors
    for dim in DIMS:
        short = vectors[:, :dim] / np.linalg.norm(vectors[:, :dim], axis=1, keepdims=True)
        yield way._replace(encoder_id=f"MiniLM, first {dim}", dim=dim), short
    quantised = load_encoder(device="cpu", recipe=Recipe(precision="int8"))
    way, vectors = _encoded("MiniLM, int8", quantised, texts)
    yield way._replace(megabytes=_megabytes(whole) / 4), vectors
    for folder in others:
        yield _encoded(folder.name, load_encoder(str(folder), "cpu"), texts)
    yield _made("word counts, LSA", _lsa, texts)
    yield _made("hashed words", _hashed, texts)


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


def _accuracy(
    warehouse: Warehouse, settings: Settings, way: Way, sample: int | None
) -> Iterator[str]:
    """NDCG@10 in each segment, target new, with its interval where it is of all."""
    preset = preset_of(settings)
    with warehouse.transaction() as session:
        last = session.value("day_after_the_last") or session.rows("source_span")[0][1] + ONE_DAY
        history = read_history(session, preset, way, last)
    since, until = window_of(history, None, None)
    content = InterestScorer("content", ZeroShot.of(preset), history.vectors)
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        [content],
        since,
        until,
        max_user_days=sample,
    )
    found = {
        row.segment: row
        for row in summarise(met)
        if (row.target, row.metric, row.k) == ("new", "ndcg", 10)
    }
    for segment in SEGMENTS:
        row = found.get(segment)
        if row is None:
            yield "none"
        elif segment == "all":
            yield f"{row.value:.4f} ({row.ci_low:.4f} to {row.ci_high:.4f})"
        else:
            yield f"{row.value:.4f}"


if __name__ == "__main__":
    typer.run(main)
