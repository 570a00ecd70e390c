"""A score is the sum of its parts, whichever model made it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from models import learned_of
from numpy.typing import NDArray
from strategies import DIM, MODEL, N_DAYS, History, histories

from recsys_tasks.explaining import (
    EARLIER,
    EVERYONE,
    INTERACTION,
    PEERS,
    TEXT,
    TREND,
    FirstStage,
    Parts,
    horizons,
    put_together,
)
from recsys_tasks.interest_model import InterestModel, ItemFacts, UserFacts
from recsys_tasks.interest_scorer import state_of
from recsys_tasks.reranking import Sides

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
    """A history as a night ranks it; attributes may say something of each user besides."""

    def __init__(
        self, model: InterestModel, history: History, told: NDArray[np.float32] | None = None
    ) -> None:
        users = np.arange(history.n_users, dtype=np.int32)
        weighed = model.weigh(history.interactions)
        inputs = model.inputs(history.vectors)
        state = state_of(weighed, users, inputs, model.half_lives, NIGHT)
        facts = UserFacts(model.interests(state, CENTRE), state.masses)
        user_side = model.user_side(facts)
        if told is not None:
            user_side[:, : told.shape[1]] += told
        rng = np.random.default_rng(0)
        counts = rng.exponential(size=(N_ITEMS, len(model.trend_half_lives)))
        ages = np.array([0, 3, 40, np.inf, 1], np.float32)
        items = ItemFacts(history.vectors[:N_ITEMS], counts.astype(np.float32), ages)
        sides = Sides(user_side, model.item_side(items), model.rank(DIM))
        self.scores: NDArray[np.float32] = sides.users @ sides.items.T
        self.length = 2 * len(history.interactions) + 1
        self.stage = FirstStage.of(
            model, sides, facts, CENTRE, NIGHT, history.interactions, history.vectors, self.length
        )

    @property
    def parts(self) -> Parts:
        """Of all users and items."""
        n_users = len(self.scores)
        rows = np.tile(np.arange(N_ITEMS, dtype=np.int32), (n_users, 1))
        return self.stage.parts(np.arange(n_users), rows, self.length)


@given(histories(), models)
def test_the_parts_add_up_to_the_score(history: History, model: InterestModel) -> None:
    ranked = Ranked(model, history)

    parts = ranked.parts

    np.testing.assert_allclose(parts.parts.sum(axis=-1), ranked.scores, rtol=1e-4, atol=1e-4)
    # The whole history is at hand: nothing is left over.
    (earlier,) = np.flatnonzero(parts.grounds.kinds[0] == EARLIER)[-1:]
    np.testing.assert_allclose(parts.parts[..., earlier], 0, atol=1e-4)


@given(histories(), models)
def test_an_interaction_gives_what_the_formula_says(history: History, model: InterestModel) -> None:
    """Which is w * sum_h 2^(-age / h) * gain_h * <in(e), out_h(item)>."""
    ranked = Ranked(model, history)
    stage, parts = ranked.stage, ranked.parts
    weighed = model.weigh(history.interactions)
    blocks = stage.item_side[:, : model.rank(DIM)].reshape(N_ITEMS, model.n_blocks, -1)
    gains = model.gains(stage.masses)
    for user, place in np.argwhere(np.isin(parts.grounds.kinds, (INTERACTION, TEXT))):
        row = stage.known.interactions[user, place]
        is_text = parts.grounds.kinds[user, place] == TEXT
        weight = (weighed.text_weights if is_text else weighed.weights)[row]
        left = np.exp2(-(NIGHT + 1 - weighed.times[row]) / np.array(model.half_lives))
        by_half_life = weight * left * gains[user]
        products = blocks @ stage.vectors[stage.known.vectors[user, place]]
        np.testing.assert_allclose(
            parts.parts[user, :, place], (products * by_half_life).sum(axis=1), rtol=1e-3, atol=1e-4
        )


@given(histories(), models)
def test_a_user_without_a_history_has_the_prior_and_what_trends(
    history: History, model: InterestModel
) -> None:
    """In the zero-shot model there is no prior."""
    nothing = history.interactions.where(history.interactions.users == history.n_users)
    ranked = Ranked(model, history._replace(interactions=nothing))

    parts = ranked.parts

    by_prior = parts.parts[..., parts.grounds.kinds[0] == EVERYONE][..., 0]
    of_item = parts.parts[..., parts.grounds.kinds[0] >= TREND].sum(axis=-1)
    np.testing.assert_allclose(of_item, ranked.scores, rtol=1e-4, atol=1e-4)
    assert model is not MODEL or not by_prior.any()


@given(histories(), models)
def test_what_attributes_say_is_a_part_of_its_own(history: History, model: InterestModel) -> None:
    told = np.linspace(-1, 1, history.n_users * model.rank(DIM), dtype=np.float32)
    told = told.reshape(history.n_users, -1)
    plain, ranked = Ranked(model, history), Ranked(model, history, told)

    parts = ranked.parts

    by_peers = parts.parts[..., parts.grounds.kinds[0] == PEERS][..., 0]
    np.testing.assert_allclose(by_peers, ranked.scores - plain.scores, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(parts.parts.sum(axis=-1), ranked.scores, rtol=1e-4, atol=1e-3)


@given(histories(), models)
def test_what_is_put_together_adds_up_as_before(history: History, model: InterestModel) -> None:
    """And no two parts that are left have the same kind, item and day."""
    parts = Ranked(model, history).parts

    summed = put_together(parts.grounds, parts.parts)

    np.testing.assert_allclose(summed.sum(axis=-1), parts.parts.sum(axis=-1), rtol=1e-4, atol=1e-4)
    for user, own in enumerate(summed):
        left = np.flatnonzero(own.any(axis=0))
        kinds, items, details, days, _ = (column[user, left] for column in parts.grounds)
        named = list(zip(kinds, items, days, np.where(kinds == TREND, details, 0), strict=True))
        assert len(set(named)) == len(named)


def test_features_of_one_horizon_count_together() -> None:
    """Its logarithm and its share; what is new is told apart from what trends."""
    assert horizons(MODEL, 2).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert horizons(MODELS[1], 7).tolist() == [
        *([1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]),
        *([0, 0, 1], [0, 0, 1], [0, 0, 1]),
    ]
