"""Fine-tuning: pairs from before the cut alone, what they are told apart from, and what is learned.

The whole command, on a warehouse, is in steps/test_tuning.py.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from encoders import WORDS, save_tiny
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from numpy.typing import NDArray
from worlds import Deed, history_of

from recsys_tasks.encoder import load_encoder
from recsys_tasks.finetuning import Pairs, TuningOptions, pairs_of
from recsys_tasks.finetuning.batching import Batch, Batches, Material
from recsys_tasks.finetuning.fitting import Tuned, contrast, drift, tune
from recsys_tasks.finetuning.negatives import hard_negatives
from recsys_tasks.interactions import ALWAYS, NO_ROW, Catalogue

CUT = 20
N_ITEMS = 12
OPTIONS = TuningOptions(
    max_passes=10, batch_size=32, learning_rate=3e-3, hard_pool=3, near=0.999, pull=0.0
)


def deeds_between(since: int, until: int) -> st.SearchStrategy[list[Deed]]:
    """Deeds of a few users on some days."""
    deed = st.builds(
        Deed,
        user=st.integers(0, 5),
        item=st.integers(NO_ROW, N_ITEMS - 1),
        time=st.floats(since, until, exclude_max=True),
        weight=st.sampled_from([-1.0, 0.5, 1.0, 3.0]),
    )
    return st.lists(deed, max_size=40)


def catalogue_of(since: NDArray[np.int32] | None = None, n: int = N_ITEMS) -> Catalogue:
    """Items with a text each; the last has none."""
    vectors = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[-1] = 0
    days = np.full(n, ALWAYS, np.int32) if since is None else since
    return Catalogue(tuple(f"i{n:02}" for n in range(n)), days, vectors)


def drawn(deeds: list[Deed], catalogue: Catalogue | None = None, **changes: Any) -> Pairs:  # noqa: ANN401
    """Pairs of deeds before CUT."""
    given: dict[str, Any] = {"window": 3, "most_of_user": 5, **changes}
    return pairs_of(history_of(deeds), catalogue or catalogue_of(), CUT, **given)


@given(deeds_between(0, CUT), deeds_between(CUT, 2 * CUT), deeds_between(CUT, 2 * CUT))
@limits(max_examples=60)
def test_nothing_from_the_cut_on_changes_a_byte_of_the_pairs(
    past: list[Deed], future: list[Deed], other: list[Deed]
) -> None:
    """Other users, items that appear later and what is known of them among it."""
    late = np.full(N_ITEMS, ALWAYS, np.int32)
    seen = {deed.item for deed in past}
    late[[item for item in range(N_ITEMS) if item not in seen]] = CUT
    strangers = [deed._replace(user=deed.user + 3) for deed in other]

    expected = drawn(past)
    for happened, catalogue in ((future, None), (strangers, None), (future, catalogue_of(late))):
        found = drawn([*past, *happened], catalogue)
        assert found.digest == expected.digest
        assert (found.taken.toarray() == expected.taken.toarray()).all()


@given(deeds_between(0, CUT), st.integers(0, 4), st.integers(1, 6))
@limits(max_examples=60)
def test_a_pair_is_of_two_items_that_its_user_took_to_within_the_window(
    deeds: list[Deed], window: int, most: int
) -> None:
    pairs = drawn(deeds, window=window, most_of_user=most)
    users = sorted({deed.user for deed in deeds if deed.item not in (NO_ROW, N_ITEMS - 1)})
    days = {
        (user, item): [
            int(deed.time)
            for deed in deeds
            if (deed.user, deed.item) == (user, item) and deed.weight > 0
        ]
        for user in users
        for item in range(N_ITEMS)
    }
    seen = set()
    for user, one, other in zip(pairs.users, pairs.anchors, pairs.positives, strict=True):
        ends = [days[users[user], int(pairs.items[row])] for row in (one, other)]
        assert one != other
        assert min(abs(a - b) for a in ends[0] for b in ends[1]) <= window
        seen.add((int(user), *sorted((int(one), int(other)))))
    assert len(seen) == len(pairs)
    assert max(np.bincount(pairs.users), default=0) <= most


def test_what_weighs_more_is_drawn_more() -> None:
    """Of twenty pairs of an anchor, some are drawn; the heavy item is nearly always in them."""
    deeds = [
        Deed(user, item, 1.0, 100.0 if item == 3 else 1.0)
        for user in range(50)
        for item in range(N_ITEMS - 1)
    ]
    pairs = drawn(deeds, most_of_user=2)
    has_heavy = (pairs.items[pairs.anchors] == 3) | (pairs.items[pairs.positives] == 3)

    assert has_heavy.mean() > 0.8


def test_equal_seeds_draw_equal_pairs_and_others_do_not() -> None:
    deeds = [Deed(user, (user + n) % 11, float(n)) for user in range(6) for n in range(8)]

    assert drawn(deeds).digest == drawn(deeds).digest != drawn(deeds, seed=1).digest


def test_without_deeds_there_are_no_pairs() -> None:
    assert len(drawn([])) == 0
    assert len(drawn([Deed(0, 1, 1.0), Deed(0, 1, 2.0)])) == 0


def near_things() -> tuple[Pairs, NDArray[np.float32]]:
    """Five items on a line of falling likeness to the first; 0 and 2 are a pair, 1 is 0's copy."""
    angles = np.array([0.0, 0.0, 0.3, 0.5, 0.9])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    catalogue = Catalogue(tuple("abcde"), np.zeros(5, np.int32), vectors)
    deeds = [Deed(0, 0, 1.0), Deed(0, 2, 1.0), Deed(1, 4, 1.0)]
    return pairs_of(history_of(deeds), catalogue, CUT, 1, 5), vectors


def test_a_hard_negative_is_near_and_neither_a_copy_nor_a_positive() -> None:
    pairs, vectors = near_things()
    drawn_for = {
        int(anchor): int(negative)
        for anchor, negative in zip(
            pairs.anchors, hard_negatives(pairs, vectors, 1, 0.999, 0), strict=True
        )
    }

    assert drawn_for.items() <= {0: 3, 2: 3}.items()
    assert (hard_negatives(pairs, vectors, 0, 0.999, 0) == NO_ROW).all()
    everything = np.ones((5, 2), np.float32)  # all of them copies
    assert (hard_negatives(pairs, everything, 3, 0.999, 0) == NO_ROW).all()


def test_what_may_belong_to_a_pair_is_no_negative_of_it() -> None:
    """Copies, what the user had, what others joined with it."""
    deeds = [
        *(Deed(0, item, 1.0) for item in (0, 2)),
        Deed(0, 5, 9.0, -1.0),  # had, and given back
        *(Deed(1, item, 1.0) for item in (0, 3)),
        *(Deed(2, item, 1.0) for item in (6, 7)),
    ]
    vectors = np.eye(8, dtype=np.float32)
    vectors[4] = vectors[2]
    catalogue = Catalogue(tuple("abcdefgh"), np.zeros(8, np.int32), vectors)
    pairs = pairs_of(history_of(deeds), catalogue, CUT, 1, 5)
    options = TuningOptions(batch_size=3, hard_pool=0)
    batch = Batches(Material(pairs, list("abcdefgh"), vectors), options).of(0, 0, 1)
    of = {name: place for place, name in enumerate(batch.texts)}
    candidates = [batch.texts[place] for place in batch.candidates]

    assert len(of) == 5  # a, c, d, g, h: each text once
    for anchor, masked in zip(batch.anchors, batch.masked, strict=True):
        told_apart = {name for name, hidden in zip(candidates, masked, strict=True) if not hidden}
        others = {"g", "h"} if batch.texts[anchor] in "acd" else {"a", "c", "d"}
        # The pair's own positive is the answer; of the others, only strangers are negatives.
        assert len(told_apart - others) == 1


def test_the_loss_is_the_cross_entropy_of_both_ways() -> None:
    vectors = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [0.6, 0.8], [0, 1], [1, 1]]))
    batch = Batch(
        [],
        vectors.numpy(),
        np.array([0, 2]),
        np.array([1, 3, 0]),
        np.array([[0, 0, 1], [0, 0, 0]], bool),
    )
    there = np.exp(2.0 * (vectors[[0, 2]] @ vectors[[1, 3, 0]].T).numpy()) * ~batch.masked
    forth = -np.log(there[[0, 1], [0, 1]] / there.sum(axis=1))
    back = -np.log(there[[0, 1], [0, 1]] / there[:, :2].sum(axis=0))

    found = contrast(vectors, batch, 2.0)
    assert float(found) == pytest.approx((forth.mean() + back.mean()) / 2, rel=1e-5)
    assert float(drift(vectors, batch)) == pytest.approx(0, abs=1e-6)
    assert float(drift(-vectors, batch)) == pytest.approx(2, abs=1e-6)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "base", spread=0.1)


def groups() -> Material:
    """Two crowds: one takes to texts of the first five words, one to those of the others."""
    texts = [f"{one} {other}" for half in (WORDS[:5], WORDS[5:]) for one in half for other in half]
    rng = np.random.default_rng(0)
    deeds = [
        Deed(user, 25 * (user % 2) + int(rng.integers(25)), float(day))
        for user in range(30)
        for day in range(8)
    ]
    vectors = rng.normal(size=(50, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    catalogue = Catalogue(tuple(texts), np.zeros(50, np.int32), vectors)
    return Material(pairs_of(history_of(deeds), catalogue, CUT, 7, 10), texts, vectors)


def tuned(
    base: Path, options: TuningOptions = OPTIONS, checkpoint: Path | None = None
) -> tuple[Tuned, NDArray[np.float32], dict[str, Any]]:
    """How the training went, vectors of the texts after it, and the weights."""
    from accelerate import Accelerator

    encoder = load_encoder(str(base), "cpu")
    material = groups()
    how = tune(encoder.model, encoder.dim, material, options, Accelerator(cpu=True), checkpoint)
    return how, encoder.encode(material.texts), dict(encoder.model.state_dict())


def apart(vectors: NDArray[np.float32]) -> float:
    """How much nearer texts of a crowd are to each other than to the other crowd's: in cosines."""
    cosines = vectors @ vectors.T
    return float(cosines[:25, :25].mean() - cosines[:25, 25:].mean())


@pytest.mark.parametrize("change", [{}, {"lora": 4, "learning_rate": 1e-3}, {"layers": 1}])
def test_what_users_join_comes_to_lie_together(base: Path, change: dict[str, float]) -> None:
    before = load_encoder(str(base), "cpu")
    options = replace(OPTIONS, **change)  # type: ignore[arg-type]
    how, vectors, weights = tuned(base, options)
    first = dict(before.model.state_dict())

    assert len(how.losses) == how.planned
    assert np.mean(how.losses[-5:]) < np.mean(how.losses[:5])
    assert apart(vectors) > apart(before.encode(groups().texts)) + 0.2
    # Adapters are merged: the model has the weights that it had, by name.
    assert weights.keys() == first.keys()
    changed = {name for name in first if not torch.equal(first[name], weights[name])}
    if "layers" in change:
        assert {name for name in changed if "layer.1." not in name} == set()
    assert changed


def test_a_training_that_was_cut_off_ends_as_if_it_had_not_been(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recsys_tasks.finetuning import fitting, progress

    monkeypatch.setattr(progress, "EVERY", 0.0)
    learn, steps = fitting._learn, iter(range(5))

    def failing(*arguments: Any) -> float:  # noqa: ANN401
        if next(steps, None) is None:
            raise InterruptedError
        return learn(*arguments)

    file, options = tmp_path / "checkpoint", replace(OPTIONS, max_passes=2)
    with monkeypatch.context() as patched:
        patched.setattr(fitting, "_learn", failing)
        with pytest.raises(InterruptedError):
            tuned(base, options, file)
    resumed, vectors, _ = tuned(base, options, file)
    whole, expected, _ = tuned(base, options)

    assert len(whole.losses) > 5
    assert resumed.losses == whole.losses
    assert vectors.tobytes() == expected.tobytes()


def test_the_pull_holds_texts_where_the_base_has_them(base: Path) -> None:
    """Strong, and with hardly a step to take: less is changed than without it."""
    free, held = (tuned(base, replace(OPTIONS, pull=pull, max_passes=3))[1] for pull in (0.0, 50.0))
    there = groups().vectors

    assert (held * there).sum(axis=1).mean() > (free * there).sum(axis=1).mean() + 0.1


def test_a_training_ends_when_its_time_is_over(base: Path) -> None:
    options = replace(OPTIONS, minutes=0.001, max_passes=10_000)
    how, _, _ = tuned(base, options)

    assert len(how.losses) < how.planned
