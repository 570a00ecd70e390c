"""The learned model is its formula, item by item and user by user."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import learned_of
from numpy.typing import NDArray
from strategies import DIM, History, histories

from recsys_tasks.decay import Decayed
from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import (
    ItemFacts,
    Learned,
    UserFacts,
    features_of,
    log_trends,
    n_features_of,
)
from recsys_tasks.interest_model.learned import FRESHNESS, SHARE_SCALE

N_ITEMS, N_TEXTS, N_USERS = 5, 3, 4
MODEL = learned_of(range(N_ITEMS), DIM)
H, D = len(MODEL.half_lives), MODEL.p_in.shape[1]
NO_CENTRE = np.zeros(0, np.float32)


def some_vectors(n: int, seed: int = 0) -> NDArray[np.float32]:
    """The second says nothing."""
    vectors = np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32)
    vectors[1] = 0
    return vectors


def some_facts(seed: int = 0) -> ItemFacts:
    rng = np.random.default_rng(seed)
    counts = rng.exponential(3, (N_ITEMS, 2)).astype(np.float32)
    counts[2] = 0
    ages = np.array([0, 1, 30, np.inf, 400], np.float32)
    return ItemFacts(some_vectors(N_ITEMS), counts, ages)


def some_state(seed: int = 0) -> Decayed:
    """A user without any evidence is among them."""
    rng = np.random.default_rng(seed)
    totals = rng.normal(size=(N_USERS, H, D)).astype(np.float32)
    masses = rng.exponential(2, (N_USERS, H)).astype(np.float32).cumsum(axis=1, dtype=np.float32)
    totals[0], masses[0] = 0, 0
    return Decayed(totals, masses, np.zeros(N_USERS, np.int32))


def text_of(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centred; nothing where there is none."""
    return vector - MODEL.centre if vector.any() else 0 * vector


@pytest.mark.parametrize("seed", range(3))
def test_the_score_is_its_formula(seed: int) -> None:
    state, items = some_state(seed), some_facts(seed)
    users = MODEL.user_side(UserFacts(MODEL.interests(state, NO_CENTRE), state.masses))
    found = users @ MODEL.item_side(items).T
    features = features_of(items)
    for user, item in np.ndindex(N_USERS, N_ITEMS):
        personal = 0.0
        for h in range(H):
            evidence = state.masses[user, h] + MODEL.prior_mass
            u = state.totals[user, h] + MODEL.prior_mass * MODEL.prior[h]
            earned = items.counts[item, -1] / (items.counts[item, -1] + MODEL.earned_at)
            block = slice(h * D, (h + 1) * D)
            out = text_of(items.vectors[item]) @ MODEL.p_out[:, block]
            out = out + earned * MODEL.out_ids[item, block]
            personal += float(MODEL.scales[h] * (u / evidence) @ out)
        tau = MODEL.tau + MODEL.tau_by_mass * np.log1p(state.masses[user, -1])
        assert found[user, item] == pytest.approx(personal + tau @ features[item], abs=1e-4)


def test_what_is_summed_is_the_projected_text_and_the_id() -> None:
    """What users wrote has no id, and what says nothing is its id alone, or nothing."""
    vectors = some_vectors(N_ITEMS + N_TEXTS)
    vectors[N_ITEMS + 1] = 0
    found = MODEL.inputs(vectors)

    for row, vector in enumerate(vectors):
        own = MODEL.in_ids[row] if row < N_ITEMS else 0
        np.testing.assert_allclose(found[row], text_of(vector) @ MODEL.p_in + own, atol=1e-5)
    assert not found[N_ITEMS + 1].any()


@given(histories(N_USERS, N_ITEMS, N_TEXTS))
def test_weights_are_the_presets_times_the_gains_of_the_type(history: History) -> None:
    """One gain for likes, one for dislikes, one for texts; a type it never met keeps its own."""
    model = learned_of(range(N_ITEMS), DIM, type_keys=(1, 3))
    weighed = model.weigh(history.interactions)
    gains = dict(zip((1, 3), model.type_gains, strict=True))
    columns = ("types", "weights", "text_weights")
    before, after = (
        list(zip(*(getattr(each, name).tolist() for name in columns), strict=True))
        for each in (history.interactions, weighed)
    )

    for (kind, weight, text), (_, found, found_text) in zip(before, after, strict=True):
        likes, dislikes, texts = gains.get(kind, np.ones(3))
        assert found == pytest.approx(weight * (likes if weight >= 0 else dislikes))
        assert found_text == pytest.approx(text * texts)
    for name in ("users", "items", "times", "texts", "types"):
        np.testing.assert_array_equal(getattr(weighed, name), getattr(history.interactions, name))


@given(st.permutations(range(N_ITEMS)), st.integers(0, N_ITEMS))
def test_items_in_another_order_keep_their_ids_and_new_ones_have_none(
    order: list[int], n: int
) -> None:
    keys = np.array([*order[:n], 77, *order[n:], 99], np.int32)
    moved = MODEL.at(keys)
    rows = [np.flatnonzero(keys == key)[0] for key in range(N_ITEMS)]
    new = [np.flatnonzero(keys == key)[0] for key in (77, 99)]

    for name in ("in_ids", "out_ids"):
        np.testing.assert_array_equal(getattr(moved, name)[rows], getattr(MODEL, name))
        assert not getattr(moved, name)[new].any()
    assert moved.at(MODEL.item_keys).fingerprint("e") == MODEL.fingerprint("e")


def test_a_new_item_has_text_and_trends() -> None:
    """Its score moves with its text, and an item without one is scored by trends alone."""
    items = some_facts()
    stranger = MODEL.at(np.arange(100, 100 + N_ITEMS, dtype=np.int32))
    side = stranger.item_side(items)
    rank = stranger.rank(DIM)

    assert side[0, :rank].any()
    assert not side[1, :rank].any()
    np.testing.assert_array_equal(side[:, rank:], MODEL.item_side(items)[:, rank:])


def test_an_id_counts_by_what_its_item_has_earned() -> None:
    """Nothing without interactions, half of it at g, nearly all of it at many."""
    counts = np.zeros((N_ITEMS, 2), np.float32)
    counts[:, -1] = [0, MODEL.earned_at, 1e6, 0, 0]
    vectors = np.zeros((N_ITEMS, DIM), np.float32)
    side = MODEL.item_side(ItemFacts(vectors, counts, np.full(N_ITEMS, np.inf, np.float32)))
    personal = side[:, : MODEL.rank(DIM)]

    assert not personal[0].any()
    np.testing.assert_allclose(personal[1], MODEL.out_ids[1] / 2, atol=1e-6)
    np.testing.assert_allclose(personal[2], MODEL.out_ids[2], atol=1e-4)


def test_a_new_user_has_the_prior() -> None:
    nobody = Decayed(
        np.zeros((1, H, D), np.float32), np.zeros((1, H), np.float32), np.zeros(1, np.int32)
    )
    found = MODEL.interests(nobody, NO_CENTRE)[0].sum(axis=0)

    np.testing.assert_allclose(found, (MODEL.scales[:, None] * MODEL.prior).ravel(), atol=1e-6)


def test_evidence_overrules_the_prior() -> None:
    """The more mass, the nearer an interest is to the mean of what was summed."""
    mean = some_state().totals[1:2]
    distances = []
    for mass in (1.0, 10.0, 1000.0):
        state = Decayed(
            mean * np.float32(mass), np.full((1, H), mass, np.float32), np.zeros(1, np.int32)
        )
        found = MODEL.interests(state, NO_CENTRE)[0].sum(axis=0)
        wanted = (MODEL.scales[:, None] * mean[0]).ravel()
        distances.append(float(np.abs(found - wanted).max()))

    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-2


def test_each_half_life_has_a_block_of_its_own() -> None:
    found = MODEL.interests(some_state(), NO_CENTRE)

    assert found.shape == (N_USERS, H, H * D)
    assert MODEL.n_blocks == H
    for h in range(H):
        outside = np.delete(found[:, h].reshape(N_USERS, H, D), h, axis=1)
        assert not outside.any()


def test_features_are_trends_shares_and_freshness() -> None:
    items = some_facts()
    found = features_of(items)

    assert found.shape == (N_ITEMS, n_features_of(2))
    np.testing.assert_allclose(found[:, :2], log_trends(items.counts), atol=1e-6)
    shares = items.counts / items.counts.max(axis=0)
    np.testing.assert_allclose(found[:, 2:4], shares * SHARE_SCALE, atol=1e-5)
    assert found[0, 4:].tolist() == [1.0] * len(FRESHNESS)  # of this very day
    assert found[2, 4 + FRESHNESS.index(30.0)] == 0.5
    assert not found[3, 4:].any()  # nobody knows how old it is


def test_features_are_finite_where_nobody_took_to_anything() -> None:
    nothing = np.zeros((3, 2), np.float32)
    facts = ItemFacts(some_vectors(3), nothing, np.full(3, np.inf, np.float32))

    assert np.isfinite(features_of(facts)).all()


@pytest.mark.parametrize(
    "name", ["half_lives", "scales", "prior_mass", "p_in", "out_ids", "tau", "type_gains"]
)
def test_a_fingerprint_changes_with_every_parameter_and_with_the_encoder(name: str) -> None:
    value = getattr(MODEL, name)
    changed = (
        tuple(each * 2 for each in value) if isinstance(value, tuple) else value * np.float32(2)
    )
    changes: dict[str, Any] = {name: changed}
    other: Learned = replace(MODEL, **changes)
    same = learned_of(range(N_ITEMS), DIM)

    assert same.fingerprint("encoder") == MODEL.fingerprint("encoder")
    assert other.fingerprint("encoder") != MODEL.fingerprint("encoder")
    assert MODEL.fingerprint("another") != MODEL.fingerprint("encoder")


@given(histories(N_USERS, N_ITEMS, N_TEXTS))
@settings(max_examples=20)
def test_the_weights_that_were_given_are_left_as_they_are(history: History) -> None:
    kept: Interactions = replace(history.interactions, weights=history.interactions.weights.copy())
    MODEL.weigh(history.interactions)

    np.testing.assert_array_equal(history.interactions.weights, kept.weights)
