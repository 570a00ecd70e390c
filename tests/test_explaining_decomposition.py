"""A score is the sum of its parts, whichever model made it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import learned_of
from numpy.typing import NDArray
from strategies import DIM, MODEL, N_DAYS, History, histories

from recsys_tasks.decay import zero
from recsys_tasks.explaining import (
    Contributors,
    contributors,
    decompose,
    explain,
    horizons,
    meanings,
)
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.interest_model import InterestModel, ItemFacts, UserFacts
from recsys_tasks.interest_scorer import state_of
from recsys_tasks.ranking import Lists

NIGHT = N_DAYS - 1
N_ITEMS = 5
CENTRE = np.array([0.125, 0.0, -0.25], np.float32)
KEYS = np.arange(1, N_ITEMS + 1, dtype=np.int32)
MODELS: list[InterestModel] = [
    MODEL,
    learned_of([5, 2, 9], DIM).at(KEYS),
    learned_of([1], DIM, half_lives=(7.0,)).at(KEYS),
    learned_of([], DIM, half_lives=(1.0, 7.0, 30.0), strength=-1.0).at(KEYS),
]
models = st.sampled_from(MODELS)


class Ranked:
    """A history as a night ranks it."""

    def __init__(self, model: InterestModel, history: History) -> None:
        users = np.arange(history.n_users, dtype=np.int32)
        self.inputs = model.inputs(history.vectors)
        weighed = model.weigh(history.interactions)
        state = state_of(weighed, users, self.inputs, model.half_lives, NIGHT)
        self.masses = state.masses
        self.user_side = model.user_side(UserFacts(model.interests(state, CENTRE), state.masses))
        rng = np.random.default_rng(0)
        counts = rng.exponential(size=(N_ITEMS, len(model.trend_half_lives)))
        ages = np.array([0, 3, 40, np.inf, 1], np.float32)
        facts = ItemFacts(history.vectors[:N_ITEMS], counts.astype(np.float32), ages)
        self.item_side = model.item_side(facts)
        self.scores: NDArray[np.float32] = self.user_side @ self.item_side.T


@given(histories(), models)
def test_the_parts_add_up_to_the_score(history: History, model: InterestModel) -> None:
    ranked = Ranked(model, history)

    for user in range(history.n_users):
        theirs = history.interactions.where(history.interactions.users == user)
        parts = decompose(model, theirs, ranked.inputs, ranked.item_side, CENTRE, NIGHT)

        np.testing.assert_allclose(parts.scores, ranked.scores[user], rtol=1e-4, atol=1e-4)
        assert (np.diff(parts.interactions) >= 0).all()


@given(histories(), models)
def test_a_user_without_a_history_has_the_prior_and_what_trends(
    history: History, model: InterestModel
) -> None:
    """In the zero-shot model there is no prior."""
    ranked = Ranked(model, history)
    nothing = history.interactions.where(history.interactions.users == history.n_users)

    parts = decompose(model, nothing, ranked.inputs, ranked.item_side, CENTRE, NIGHT)

    state = zero(1, len(model.half_lives), model.width(DIM), NIGHT)
    prior = model.interests(state, CENTRE).sum(axis=1)
    expected = (prior @ ranked.item_side[:, : model.rank(DIM)].T)[0]
    np.testing.assert_allclose(parts.by_prior, expected, rtol=1e-4, atol=1e-4)
    assert len(parts.by_interaction) == 0
    assert model is not MODEL or not parts.by_prior.any()


@given(histories(), models)
def test_contributors_bring_what_the_decomposition_says(
    history: History, model: InterestModel
) -> None:
    ranked = Ranked(model, history)
    length = 2 * len(history.interactions) + 1
    known = contributors(model, history.interactions, ranked.inputs, ranked.masses, NIGHT, length)
    for user in range(history.n_users):
        theirs = history.interactions.where(history.interactions.users == user)
        parts = decompose(model, theirs, ranked.inputs, ranked.item_side, CENTRE, NIGHT)
        brought = brought_by(model, ranked, known, user)
        np.testing.assert_allclose(brought, parts.by_interaction, rtol=1e-4, atol=1e-4)


def brought_by(
    model: InterestModel, ranked: Ranked, known: Contributors, user: int
) -> NDArray[np.floating]:
    """What each contributor of a user gives to each item, (n, n_items), by the formula."""
    own = known.interactions[user] != NO_ROW
    vectors = meanings(model, ranked.inputs, CENTRE)[known.vectors[user, own]]
    blocks = ranked.item_side[:, : model.rank(DIM)].reshape(N_ITEMS, model.n_blocks, -1)
    products = np.einsum("nd,ibd->nib", vectors, blocks)
    summed: NDArray[np.floating] = (products * known.coefficients[user, own][:, None]).sum(axis=-1)
    return summed


@given(histories(), models)
def test_the_reason_is_the_interaction_that_gave_most(
    history: History, model: InterestModel
) -> None:
    ranked = Ranked(model, history)
    length = 2 * len(history.interactions) + 1
    known = contributors(model, history.interactions, ranked.inputs, ranked.masses, NIGHT, length)
    order = np.argsort(-ranked.scores, axis=1)
    lists = Lists(order.astype(np.int32), np.take_along_axis(ranked.scores, order, axis=1))
    vectors = meanings(model, ranked.inputs, CENTRE)

    reasons = explain(lists, known, vectors, model, ranked.item_side, ranked.user_side)

    for user, place in np.argwhere(reasons.interactions != NO_ROW):
        own = known.interactions[user] != NO_ROW
        given_by = brought_by(model, ranked, known, user)[:, order[user, place]]
        given_by = np.where(known.are_liked[user, own], given_by, 0)
        chosen = known.interactions[user, own] == reasons.interactions[user, place]
        assert given_by[chosen].max() == pytest.approx(given_by.max(), abs=1e-4)


def test_features_of_one_horizon_count_together() -> None:
    """Its logarithm and its share; what is new is told apart from what trends."""
    assert horizons(MODEL, 2).tolist() == [[1, 0], [0, 1]]
    assert horizons(MODELS[1], 7).tolist() == [
        *([1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]),
        *([0, 0, 1], [0, 0, 1], [0, 0, 1]),
    ]
