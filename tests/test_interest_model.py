from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import DIM, HALF_LIVES, MODEL, N_DAYS, History, counts, histories

from recsys_tasks.decay import Decayed, fold, seen_from, zero
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import (
    Deltas,
    ItemFacts,
    UserFacts,
    ZeroShot,
    centre_of,
    contributions,
    deltas,
    log_trends,
)
from recsys_tasks.interest_scorer import state_of
from recsys_tasks.presets import read_preset

NIGHT = N_DAYS - 1


def folded(brought: Deltas, n_users: int) -> Decayed:
    """The state of every user at the end of the last day, by the night's recurrence."""
    start = zero(n_users, len(HALF_LIVES), DIM + 1, 0)
    state, _ = fold(start, brought.users.astype(np.intp), brought.added, HALF_LIVES)
    return seen_from(state, NIGHT, HALF_LIVES)


def bits_of(brought: Deltas, user: int) -> list[bytes]:
    return [part[brought.users == user].tobytes() for part in brought.added]


def one_search(time: float, weight: float) -> Interactions:
    """A user's only interaction: a text without an item."""
    return Interactions(
        users=np.array([0], np.int32),
        items=np.array([NO_ROW], np.int32),
        times=np.array([time]),
        weights=np.array([1.0], np.float32),
        texts=np.array([0], np.int32),
        text_weights=np.array([weight], np.float32),
        types=np.array([1], np.int16),
    )


@given(histories())
def test_the_recurrence_equals_the_parallel_form(history: History) -> None:
    """A night's totals, folded from deltas, are what a backtest computes over the whole past."""
    brought = deltas(history.interactions, MODEL.inputs(history.vectors), HALF_LIVES)
    users = np.arange(history.n_users, dtype=np.int32)

    by_nights = folded(brought, history.n_users)
    at_once = state_of(
        history.interactions, users, MODEL.inputs(history.vectors), HALF_LIVES, NIGHT
    )

    np.testing.assert_allclose(by_nights.totals, at_once.totals, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(by_nights.masses, at_once.masses, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(by_nights.days, at_once.days)


@given(histories(), st.permutations(range(4)), st.integers(1, 4))
def test_the_parallel_form_answers_for_any_users(
    history: History, order: list[int], n: int
) -> None:
    everyone = np.arange(history.n_users, dtype=np.int32)
    inputs = MODEL.inputs(history.vectors)
    users = np.array(order[:n], np.int32)

    chosen = state_of(history.interactions, users, MODEL.inputs(history.vectors), HALF_LIVES, NIGHT)

    expected = state_of(history.interactions, everyone, inputs, HALF_LIVES, NIGHT)
    np.testing.assert_allclose(chosen.totals, expected.totals[users], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(chosen.masses, expected.masses[users], rtol=1e-5, atol=1e-5)


@given(histories())
def test_a_delta_is_a_decayed_sum_of_weighted_vectors(history: History) -> None:
    """Each row by the formula: weight * 2 ** (-age / half_life), age counted to the day's end."""
    happened, vectors = history.interactions, history.vectors
    sums: dict[tuple[int, int], NDArray[np.float64]] = {}
    for row in range(len(happened)):
        day = int(happened.days[row])
        gamma = np.exp2(-(day + 1 - happened.times[row]) / np.array(HALF_LIVES))
        for vector, weight in (
            (happened.items[row], happened.weights[row]),
            (happened.texts[row], happened.text_weights[row]),
        ):
            if weight and vector != NO_ROW and vectors[vector].any():
                added = np.concatenate([weight * vectors[vector], [weight, abs(weight)]])
                key = (int(happened.users[row]), day)
                sums[key] = sums.get(key, np.zeros(())) + np.outer(gamma, added)

    brought = deltas(happened, MODEL.inputs(vectors), HALF_LIVES)

    keys = list(zip(brought.users.tolist(), brought.added.days.tolist(), strict=True))
    assert keys == sorted(sums)
    for position, key in enumerate(keys):
        total, mass = brought.added.totals[position], brought.added.masses[position]
        expected = sums[key]
        np.testing.assert_allclose(np.c_[total, mass], expected, rtol=1e-5, atol=1e-5)


@given(histories(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_who_else_is_there_changes_no_bit_of_a_delta(
    history: History, user: int, random: Random
) -> None:
    happened = history.interactions
    others = np.flatnonzero(happened.users != user)
    shuffled = others.tolist()
    random.shuffle(shuffled)
    order = np.arange(len(happened))
    order[others] = shuffled
    permuted = Interactions(*(column[order] for column in vars(happened).values()))

    inputs = MODEL.inputs(history.vectors)

    expected = bits_of(deltas(happened, inputs, HALF_LIVES), user)

    alone = happened.where(happened.users == user)
    assert bits_of(deltas(permuted, inputs, HALF_LIVES), user) == expected
    assert bits_of(deltas(alone, inputs, HALF_LIVES), user) == expected


@given(histories(), st.integers(0, N_DAYS))
def test_days_accumulated_apart_give_the_same_bits(history: History, day: int) -> None:
    happened = history.interactions
    pieces = (happened.before(day), happened.between(day, N_DAYS))
    inputs = MODEL.inputs(history.vectors)
    parts = [deltas(piece, inputs, HALF_LIVES) for piece in pieces]

    together = deltas(happened, inputs, HALF_LIVES)

    for user in range(history.n_users):
        pairs = zip(*(bits_of(part, user) for part in parts), strict=True)
        assert [first + second for first, second in pairs] == bits_of(together, user)


def test_what_has_no_text_adds_nothing() -> None:
    happened = one_search(0.5, 2.0)

    brought = deltas(happened, MODEL.inputs(np.zeros((1, DIM), np.float32)), HALF_LIVES)

    assert len(brought.users) == len(brought.added.totals) == len(brought.added.masses) == 0


def test_a_search_adds_its_text() -> None:
    """Half a day before the day's end, at a half-life of half a day: half of the weight."""
    vectors = np.array([[0.6, 0.8, 0.0]], np.float32)

    brought = deltas(one_search(0.5, 2.0), MODEL.inputs(vectors), (0.5,))

    np.testing.assert_allclose(brought.added.totals, [[[0.6, 0.8, 0.0, 1.0]]])
    np.testing.assert_allclose(brought.added.masses, [[1.0]])


def test_contributions_tell_items_from_texts() -> None:
    happened = Interactions(
        users=np.array([0, 0, 1], np.int32),
        items=np.array([0, NO_ROW, 1], np.int32),
        times=np.array([0.0, 1.0, 2.0]),
        weights=np.array([1.0, 1.0, 0.0], np.float32),
        texts=np.array([2, 2, NO_ROW], np.int32),
        text_weights=np.array([0.5, 2.0, 1.0], np.float32),
        types=np.array([1, 2, 1], np.int16),
    )

    brought = contributions(happened, np.ones((3, DIM), np.float32))

    assert brought.interactions.tolist() == [0, 0, 1]
    assert brought.rows.tolist() == [0, 2, 2]
    assert brought.weights.tolist() == [1.0, 0.5, 2.0]
    assert brought.are_texts.tolist() == [False, True, True]


@given(histories(n_texts=2), counts)
def test_the_score_is_its_formula(history: History, masses: NDArray[np.float64]) -> None:
    """sum_h s_h * (S_h - w_h * c) / (m_h + m0) * text(item) + sum_k tau_k * log trend_k."""
    items = history.vectors[: len(masses)]
    centre, trends = centre_of(items), log_trends(masses)
    users = np.arange(history.n_users, dtype=np.int32)
    state = state_of(history.interactions, users, MODEL.inputs(history.vectors), HALF_LIVES, NIGHT)
    brought = contributions(history.interactions, history.vectors)
    expected = np.tile((np.array(MODEL.trend_weights) * trends).sum(axis=1), (len(users), 1))
    for position, row, weight, _ in zip(*brought, strict=True):
        user, time = history.interactions.users[position], history.interactions.times[position]
        gamma = np.exp2(-(NIGHT + 1 - time) / np.array(HALF_LIVES))
        share = (gamma * MODEL.scales / (state.masses[user] + MODEL.prior_mass)).sum()
        expected[user] += weight * share * (items @ (history.vectors[row] - centre))

    user_side = MODEL.user_side(UserFacts(MODEL.interests(state, centre), state.masses))
    ages = np.zeros(len(items), np.float32)
    item_side = MODEL.item_side(ItemFacts(items, masses.astype(np.float32), ages))
    scores = user_side @ item_side.T

    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_without_evidence_and_prior_there_is_no_interest() -> None:
    state = zero(2, len(HALF_LIVES), DIM + 1, NIGHT)

    interests = MODEL._replace(prior_mass=0.0).interests(state, np.ones(DIM, np.float32))

    np.testing.assert_array_equal(interests, np.zeros((2, len(HALF_LIVES), DIM)))


def test_the_model_is_the_presets_and_is_named_by_its_numbers() -> None:
    preset = read_preset("shop")
    model = ZeroShot.of(preset)

    assert model.half_lives == preset.half_lives
    assert model.trend_weights == preset.trend_weights
    assert model.fingerprint("a") == ZeroShot.of(preset).fingerprint("a")
    assert model.fingerprint("a") != model.fingerprint("b")
    assert model.fingerprint("a") != model._replace(prior_mass=99.0).fingerprint("a")
