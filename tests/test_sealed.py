"""Scores under encryption are the plain ones, and a partner can read nothing."""

import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import tenseal
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from models import learned_of
from strategies import MODEL

from recsys_tasks.errors import BadSettings
from recsys_tasks.interest_model import InterestModel, ItemFacts
from recsys_tasks.sealed import (
    Items,
    SealedInterest,
    SealedScores,
    files,
    make_keys,
    open_scores,
    read_public_key,
    read_secret_key,
    score,
)
from recsys_tasks.sealed.owning import space_of

if TYPE_CHECKING:
    from tenseal import Context

ENCODER = np.array("encoder-1")


class Pair(NamedTuple):
    """Both keys, and where they lie."""

    folder: Path
    secret: "Context"
    public: "Context"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("owner") / "keys"
    secret, public = make_keys(folder)
    return Pair(folder, read_secret_key(secret), read_public_key(public))


def sealed_of(interest: np.ndarray, key: "Context") -> SealedInterest:
    """An interest in the space of the texts themselves."""
    rank = len(interest)
    content = tenseal.ckks_vector(key, interest).serialize()
    matrix, offset = np.eye(rank, dtype=np.float32), np.zeros(rank, np.float32)
    return SealedInterest(ENCODER, matrix, offset, np.frombuffer(content, np.uint8))


def items_of(vectors: np.ndarray) -> Items:
    ids = np.array([f"i{row}" for row in range(len(vectors))], np.str_)
    return Items(ids, ENCODER, vectors.astype(np.float32))


@examples(max_examples=5)
@given(
    rank=st.integers(1, 400),
    n_items=st.sampled_from([0, 1, 100, 3_696, 4_500]),
    size=st.sampled_from([0.0, 0.1, 1.0, 50.0]),
    seed=st.integers(0, 99),
)
def test_sealed_scores_are_the_plain_ones(
    keys: Pair, rank: int, n_items: int, size: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    interest = size * rng.normal(size=rank) / np.sqrt(rank)
    items = items_of(rng.normal(size=(n_items, rank)) / np.sqrt(rank))

    scores = score(sealed_of(interest, keys.public), items, keys.public)
    opened = open_scores(scores, keys.secret)

    np.testing.assert_allclose(opened, items.vectors @ interest, atol=1e-3, rtol=0)
    assert scores.item_ids.tolist() == items.item_ids.tolist()


@pytest.mark.parametrize("model", [MODEL, learned_of([1, 2], 5)])
def test_the_space_is_the_models_for_items_that_it_never_met(model: InterestModel) -> None:
    texts = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    facts = ItemFacts(
        texts, np.zeros((7, len(model.trend_half_lives)), np.float32), np.ones(7, np.float32)
    )

    matrix, offset = space_of(model, 5)

    made = model.at(np.arange(90, 97, dtype=np.int32)).item_side(facts)[:, : model.rank(5)]
    np.testing.assert_allclose(texts @ matrix + offset, made, atol=1e-5)


def test_a_partner_can_read_neither_the_interest_nor_the_scores(keys: Pair) -> None:
    interest = sealed_of(np.ones(4), keys.public)
    scores = score(interest, items_of(np.ones((3, 4))), keys.public)

    for content in (interest.ciphertext, scores.ciphertexts):
        with pytest.raises(ValueError, match="secret"):
            tenseal.ckks_vector_from(keys.public, content.tobytes()).decrypt()
    with pytest.raises(BadSettings, match="cannot be opened with this key"):
        open_scores(scores, keys.public)


def test_equal_interests_do_not_look_equal(keys: Pair) -> None:
    """Or a partner could tell one user's return, or two users' likeness."""
    one, other = (sealed_of(np.ones(4), keys.public) for _ in range(2))

    assert one.ciphertext.tobytes() != other.ciphertext.tobytes()


def test_another_key_opens_nothing_of_use(keys: Pair, tmp_path: Path) -> None:
    other, _ = make_keys(tmp_path)
    scores = score(sealed_of(np.ones(4), keys.public), items_of(np.ones((3, 4))), keys.public)

    try:
        opened = open_scores(scores, read_secret_key(other))
    except BadSettings:
        return
    assert not np.isclose(opened, 4, atol=0.1).any()


def test_the_secret_key_is_its_owners_alone_and_is_never_overwritten(keys: Pair) -> None:
    secret, public = keys.folder / "secret.key", keys.folder / "public.key"
    before = secret.read_bytes()

    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    with pytest.raises(BadSettings, match="Keys cannot be written"):
        make_keys(keys.folder)
    assert secret.read_bytes() == before
    with pytest.raises(BadSettings, match=r"partners get public\.key"):
        read_public_key(secret)
    with pytest.raises(BadSettings, match=r"secret\.key opens"):
        read_secret_key(public)


def test_items_of_another_encoder_are_refused(keys: Pair) -> None:
    items = items_of(np.ones((3, 4)))._replace(encoder_id=np.array("encoder-2"))

    with pytest.raises(BadSettings, match="run your nights with the owner's encoder"):
        score(sealed_of(np.ones(4), keys.public), items, keys.public)


@pytest.mark.parametrize("content", [b"", b"no file", b"PK\x03\x04 cut"])
def test_what_is_no_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(BadSettings, match="no file of SealedInterest"):
        files.read(tmp_path / "file", SealedInterest)
    with pytest.raises(BadSettings, match="is no key"):
        read_secret_key(tmp_path / "file")


def test_one_kind_of_file_is_not_read_as_another(tmp_path: Path) -> None:
    files.write(tmp_path / "items.npz", items_of(np.ones((3, 4))))

    assert files.read(tmp_path / "items.npz", Items).item_ids.tolist() == ["i0", "i1", "i2"]
    with pytest.raises(BadSettings, match="SealedScores"):
        files.read(tmp_path / "items.npz", SealedScores)
