"""Recipes: pooling, prompts, dimensions, precision, long texts, and texts that do not suit."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import WORDS, save_tiny, save_tiny_decoder, save_word_vectors
from numpy.typing import NDArray

from recsys_tasks.encoder import Encoder, Recipe, load_encoder, suitability
from recsys_tasks.encoder.parts import MOST, split
from recsys_tasks.errors import EncoderUnavailable

TEXTS = ["small old lamp", "red", "large green plate blue cup"]
LONG = " ".join(WORDS)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("recipes") / "tiny")


@pytest.fixture(scope="module")
def gpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_decoder(tmp_path_factory.mktemp("recipes") / "gpt")


def loaded(folder: Path, **recipe: Any) -> Encoder:  # noqa: ANN401  fields of Recipe, and max_tokens
    max_tokens = recipe.pop("max_tokens", 128)
    return load_encoder(str(folder), "cpu", max_tokens, Recipe(**recipe))


def states(folder: Path, text: str) -> NDArray[np.float32]:
    """The vectors of a text's tokens, as transformers gives them."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)([text], return_tensors="pt")
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state
    return np.asarray(hidden[0].numpy(), np.float32)


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("style", ["bert", "gpt"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_token_vectors_are_pooled_as_asked_whatever_the_padding(
    request: pytest.FixtureRequest, style: str, pooling: str
) -> None:
    folder: Path = request.getfixturevalue(style)

    vectors = loaded(folder, pooling=pooling).encode(TEXTS)

    for text, vector in zip(TEXTS, vectors, strict=True):
        tokens = states(folder, text)
        expected = {"mean": tokens.mean(axis=0), "cls": tokens[0], "last": tokens[-1]}[pooling]
        np.testing.assert_allclose(vector, unit(expected), atol=1e-5)


def test_a_model_that_can_chat_reads_texts_without_its_template(gpt: Path, tmp_path: Path) -> None:
    shutil.copytree(gpt, tmp_path, dirs_exist_ok=True)
    template = "{% for message in messages %}large {{ message['content'] }} old{% endfor %}"
    (tmp_path / "chat_template.jinja").write_text(template, encoding="utf-8")

    vectors = loaded(tmp_path).encode(TEXTS)

    np.testing.assert_array_equal(vectors, loaded(gpt).encode(TEXTS))


def test_fewer_dimensions_are_the_first_ones_at_length_one(bert: Path) -> None:
    whole = loaded(bert).encode(TEXTS)

    short = loaded(bert, dim=4)

    assert short.dim == 4
    expected = np.array([unit(vector[:4]) for vector in whole])
    np.testing.assert_allclose(short.encode(TEXTS), expected, atol=1e-5)


def test_more_dimensions_than_there_are_is_said(bert: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="16 dimensions, fewer than 99"):
        loaded(bert, dim=99)


def test_half_precision_is_near_and_has_unit_length(bert: Path) -> None:
    vectors = loaded(bert, precision="bfloat16").encode(TEXTS)

    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (np.sum(vectors * loaded(bert).encode(TEXTS), axis=1) > 0.98).all()


def test_a_prompt_goes_before_what_it_is_for(bert: Path) -> None:
    encoder = loaded(bert, item_prompt="new ", user_prompt="old ")
    plain = loaded(bert)

    assert encoder.has_two_prompts
    assert not plain.has_two_prompts
    np.testing.assert_allclose(encoder.encode(["cup"]), plain.encode(["new cup"]), atol=1e-5)
    np.testing.assert_allclose(
        encoder.encode(["cup"], by_users=True), plain.encode(["old cup"]), atol=1e-5
    )


def test_every_recipe_is_a_space_of_its_own_and_the_default_is_none(bert: Path) -> None:
    recipes: list[dict[str, Any]] = [
        {},
        {"pooling": "cls"},
        {"pooling": "last"},
        {"dim": 8},
        {"precision": "bfloat16"},
        {"long_texts": "pool"},
        {"item_prompt": "new "},
        {"user_prompt": "new "},
    ]

    assert len({loaded(bert, **recipe).encoder_id for recipe in recipes}) == len(recipes)
    assert loaded(bert).encoder_id == load_encoder(str(bert), "cpu").encoder_id
    assert loaded(bert, pooling="mean").encoder_id == loaded(bert).encoder_id


def test_a_long_text_is_the_mean_of_its_parts_by_tokens(bert: Path) -> None:
    encoder = loaded(bert, max_tokens=6, long_texts="pool")  # four words, [CLS], [SEP]
    cut = loaded(bert, max_tokens=6)
    parts = [" ".join(WORDS[start : start + 4]) for start in (0, 4, 8)]

    vector = encoder.encode([LONG, "red cup"])

    expected = unit(np.array([4, 4, 2], np.float32) @ cut.encode(parts))
    np.testing.assert_allclose(vector[0], expected, atol=1e-5)
    np.testing.assert_allclose(vector[1], cut.encode(["red cup"])[0], atol=1e-5)
    assert np.abs(cut.encode([LONG])[0] - vector[0]).max() > 0.01


def test_parts_make_up_the_text_and_are_bounded_in_number(bert: Path) -> None:
    model = loaded(bert, max_tokens=6, long_texts="pool").model

    parts = split(model, [LONG, "", LONG * 100], None)

    assert " ".join(part.text for part in parts if part.row == 0) == LONG
    assert sum(part.row == 2 for part in parts) == MOST
    assert {part.row for part in parts} == {0, 1, 2}


def test_a_prompt_leaves_less_room_for_a_part(bert: Path) -> None:
    model = loaded(bert, max_tokens=6, long_texts="pool").model

    assert [part.n_tokens for part in split(model, [LONG], "new old")] == [2] * 5


def test_unknown_tokens_are_a_problem_that_says_what_to_do(bert: Path) -> None:
    encoder = loaded(bert)

    assert suitability(encoder, ["red cup", "old lamp"]).problem is None
    assert suitability(encoder, []).problem is None
    problem = suitability(encoder, ["red cup", "rote Tasse"]).problem
    assert problem is not None
    assert "50% of their tokens are unknown" in problem
    assert "RECSYS_ENCODER" in problem


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suits", "text"),
    [
        (True, "A large red tea cup with a handle, dishwasher safe, holds a pint"),
        (True, "Customers love the simple design of this product and its colours"),
        (False, "Большая красная чайная чашка, ручка белая, можно мыть в посудомоечной машине"),
        (False, "كوب شاي أحمر كبير بمقبض يمكن غسله في غسالة الصحون"),
        (False, "大きな赤いティーカップ 食洗機対応"),
    ],
)
def test_the_default_encoder_says_which_languages_it_does_not_read(
    text: str, *, suits: bool
) -> None:
    found = suitability(load_encoder(device="cpu"), [text] * 50)

    assert (found.problem is None) is suits


@pytest.fixture
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("style", ["bert", "gpt"])
def test_eight_bits_are_near_and_a_space_of_their_own(
    request: pytest.FixtureRequest, tmp_path: Path, style: str
) -> None:
    folder: Path = request.getfixturevalue(style)
    whole = loaded(folder)

    quantised = loaded(folder, precision="int8")
    vectors = quantised.encode(TEXTS)

    assert quantised.encoder_id != whole.encoder_id
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    likeness = np.sum(vectors * whole.encode(TEXTS), axis=1)
    assert (likeness > 0.97).all()
    assert (likeness < 1 - 1e-7).any()
    (kept,) = (tmp_path / "ebbtide").iterdir()
    written = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(loaded(folder, precision="int8").encode(TEXTS), vectors)
    assert kept.stat().st_mtime_ns == written


def test_what_is_no_transformer_has_nothing_to_quantise(tmp_path: Path) -> None:
    save_word_vectors(tmp_path)

    with pytest.raises(EncoderUnavailable, match="nothing to quantise"):
        loaded(tmp_path, precision="int8")
