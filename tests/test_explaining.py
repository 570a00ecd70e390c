import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from strategies import DIM, HALF_LIVES, MODEL, N_DAYS, History, histories
from worlds import Deed, history_of

from recsys_tasks.interest_scorer import state_of
from recsys_tasks.explaining import (
    INTERACTION,
    TEXT,
    TREND,
    Contributors,
    Reasons,
    contributors,
    explain,
    meanings,
)
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import UserFacts
from recsys_tasks.ranking import Lists, top_k

NIGHT = N_DAYS - 1
CENTRE = np.array([0.125, 0.0, -0.25], np.float32)
FLAT = np.zeros((5, 2), np.float32)  # nothing trends


class World:
    """A history as a night ranks and explains it; its items are the first vectors."""

    def __init__(
        self,
        happened: Interactions,
        vectors: NDArray[np.float32],
        n_users: int,
        trends: NDArray[np.float32] = FLAT,
        *,
        centre: NDArray[np.float32] = CENTRE,
        length: int = 50,
    ) -> None:
        users = np.arange(n_users, dtype=np.int32)
        inputs = MODEL.inputs(vectors)
        state = state_of(happened, users, inputs, HALF_LIVES, NIGHT)
        facts = UserFacts(MODEL.interests(state, centre), state.masses)
        self.user_side = MODEL.user_side(facts)
        self.item_side = np.concatenate([vectors[: len(trends)], trends], axis=1)
        self.vectors = meanings(MODEL, inputs, centre)
        self.known = contributors(MODEL, happened, inputs, state.masses, NIGHT, length)

    def lists(self, k: int = 5) -> Lists:
        """The top-k, with nothing left out."""
        excluded = sparse.csr_array((len(self.user_side), len(self.item_side)), dtype=np.bool_)
        return top_k(self.user_side, self.item_side, excluded, k)

    def reasons(self, lists: Lists, batch_size: int = 128) -> Reasons:
        """Why each entry stands there."""
        return explain(
            lists,
            self.known,
            self.vectors,
            MODEL,
            self.item_side,
            self.user_side,
            batch_size=batch_size,
        )

    def brought(self) -> NDArray[np.floating]:
        """What each contributor gives to each item's score: (n_users, L, n_items)."""
        products = self.vectors[self.known.vectors] @ self.item_side[:, :DIM].T
        brought: NDArray[np.floating] = self.known.coefficients * products
        return brought


def wrote(user: int, text: int, time: float) -> Interactions:
    """A search."""
    return Interactions(
        users=np.array([user], np.int32),
        items=np.array([NO_ROW], np.int32),
        times=np.array([time]),
        weights=np.array([1.0], np.float32),
        texts=np.array([text], np.int32),
        text_weights=np.array([1.0], np.float32),
        types=np.array([1], np.int16),
    )


@given(histories())
def test_contributions_add_up_to_the_personal_part_of_the_score(history: History) -> None:
    world = World(history.interactions, history.vectors, history.n_users)

    personal = world.user_side[:, :DIM] @ world.item_side[:, :DIM].T

    np.testing.assert_allclose(world.brought().sum(axis=1), personal, rtol=1e-4, atol=1e-4)


@given(histories(), st.integers(1, 4))
def test_the_last_contributors_are_the_newest(history: History, length: int) -> None:
    everything = World(history.interactions, history.vectors, history.n_users).known

    known = World(history.interactions, history.vectors, history.n_users, length=length).known

    for part, whole in zip(known, everything, strict=True):
        np.testing.assert_array_equal(part, whole[:, -length:])


@given(histories())
def test_contributors_stand_at_the_end_in_order_of_time(history: History) -> None:
    known = World(history.interactions, history.vectors, history.n_users).known

    for user, rows in enumerate(known.interactions):
        own = rows[rows != NO_ROW]
        assert (rows[len(rows) - len(own) :] != NO_ROW).all()
        assert (history.interactions.users[own] == user).all()
        assert (np.diff(own) >= 0).all()


@given(histories(), st.integers(1, 5))
def test_the_reason_is_what_gave_most(history: History, batch_size: int) -> None:
    """By its definition, in any batches: what was liked and gave most, if trends gave less."""
    trends = np.linspace(-0.5, 0.5, 10, dtype=np.float32).reshape(5, 2)
    world = World(history.interactions, history.vectors, history.n_users, trends)
    lists = world.lists()
    brought = np.take_along_axis(world.brought(), lists.rows[:, None], axis=2)  # (n, L, k)
    by_trend = (trends * MODEL.trend_weights)[lists.rows]

    reasons = world.reasons(lists, batch_size)

    np.testing.assert_array_equal(reasons.horizons, by_trend.argmax(axis=-1))
    for user, place in np.ndindex(lists.rows.shape):
        given_by = brought[user, :, place]
        margin = given_by.sum() - by_trend[user, place].sum()
        given_by = np.where(world.known.are_liked[user], given_by, 0)
        if reasons.kinds[user, place] == TREND:
            assert reasons.interactions[user, place] == NO_ROW
            assert margin < 1e-4 or given_by.max() < 1e-4
        else:
            chosen = world.known.interactions[user] == reasons.interactions[user, place]
            chosen &= world.known.are_texts[user] == (reasons.kinds[user, place] == TEXT)
            assert margin > -1e-4
            assert given_by[chosen].max() == pytest.approx(given_by.max(), abs=1e-4)


AXES = np.concatenate([np.eye(DIM), np.eye(DIM)]).astype(np.float32)  # of 3 items, then of 3 texts
ORIGIN = np.zeros(DIM, np.float32)


def test_an_item_is_listed_because_of_the_item_like_it() -> None:
    """User 0 took to items 0 and 1; each is listed because of itself, however far back."""
    happened = history_of([Deed(0, 0, 1.0), Deed(0, 1, 30.0), Deed(1, 2, 31.0)])
    world = World(happened, AXES, 2, FLAT[:3], centre=ORIGIN)

    lists = world.lists(2)
    reasons = world.reasons(lists)

    assert lists.rows[0].tolist() == [1, 0]
    assert reasons.interactions[0].tolist() == [1, 0]
    assert reasons.kinds[0].tolist() == [INTERACTION, INTERACTION]
    assert (lists.rows[1, 0], reasons.interactions[1, 0]) == (2, 2)


def test_of_two_alike_the_newer_gave_more() -> None:
    happened = history_of([Deed(0, 0, 1.0), Deed(0, 0, 30.0)])
    world = World(happened, AXES, 1, FLAT[:3], centre=ORIGIN)

    assert world.reasons(world.lists(1)).interactions.tolist() == [[1]]


def test_what_was_disliked_is_no_reason() -> None:
    """A dislike of item 0 explains neither it nor item 1, which it says nothing of."""
    happened = history_of([Deed(0, 0, 30.0, -1.0)])
    world = World(happened, AXES, 1, FLAT[:3], centre=ORIGIN)

    reasons = world.reasons(world.lists(3))

    assert (reasons.kinds == TREND).all()


def test_a_text_is_told_from_an_item() -> None:
    """A search for what is near to item 2."""
    world = World(wrote(0, 5, 30.0), AXES, 1, FLAT[:3], centre=ORIGIN)

    lists = world.lists(1)
    reasons = world.reasons(lists)

    assert lists.rows.tolist() == [[2]]
    assert reasons.kinds.tolist() == [[TEXT]]
    assert reasons.interactions.tolist() == [[0]]


def test_whoever_did_nothing_is_told_what_trends() -> None:
    trends = np.array([[0.0, 0.9], [3.0, 0.0], [-1.0, -1.0]], np.float32)
    world = World(history_of([Deed(1, 2, 30.0)]), AXES, 2, trends, centre=ORIGIN)

    lists = world.lists(3)
    reasons = world.reasons(lists)

    assert lists.rows[0].tolist() == [1, 0, 2]
    assert reasons.kinds[0].tolist() == [TREND] * 3
    assert reasons.interactions[0].tolist() == [NO_ROW] * 3
    assert reasons.horizons[0, :2].tolist() == [0, 1]
    assert reasons.kinds[1, lists.rows[1] == 2].tolist() == [INTERACTION]


def test_a_trend_that_gave_more_than_the_user_did_is_the_reason() -> None:
    trends = np.array([[9.0, 0.0], [0.0, 0.0], [0.0, 0.0]], np.float32)
    world = World(history_of([Deed(0, 0, 30.0), Deed(0, 1, 30.0)]), AXES, 1, trends, centre=ORIGIN)

    lists = world.lists(2)
    reasons = world.reasons(lists)

    assert lists.rows.tolist() == [[0, 1]]
    assert reasons.kinds.tolist() == [[TREND, INTERACTION]]


def test_after_the_end_of_a_short_list_there_is_no_reason() -> None:
    world = World(history_of([Deed(0, 2, 30.0)]), AXES, 1, FLAT[:3], centre=ORIGIN)
    lists = Lists(np.array([[2, NO_ROW]], np.int32), np.array([[1, -np.inf]], np.float32))

    reasons = world.reasons(lists)

    assert reasons.kinds.tolist() == [[INTERACTION, TREND]]
    assert reasons.interactions.tolist() == [[0, NO_ROW]]


def test_where_no_user_has_a_vector_all_reasons_are_trends() -> None:
    """A night on which all that ever happened was a search for nothing."""
    nothing = Contributors(
        np.full((2, 4), NO_ROW, np.int32),
        np.full((2, 4), NO_ROW, np.int32),
        np.zeros((2, 4, 1), np.float32),
        np.zeros((2, 4), np.bool_),
        np.zeros((2, 4), np.bool_),
    )
    no_vectors = np.zeros((0, DIM), np.float32)
    world = World(history_of([]), AXES, 2, FLAT[:3])

    reasons = explain(world.lists(3), nothing, no_vectors, MODEL, world.item_side, world.user_side)

    assert (reasons.kinds == TREND).all()


@pytest.mark.parametrize("n_users", [0, 1, 2])
def test_where_nothing_happened_all_reasons_are_trends(n_users: int) -> None:
    world = World(history_of([]), AXES, n_users, FLAT[:3])

    reasons = world.reasons(world.lists(3))

    assert reasons.kinds.shape == (n_users, 3)
    assert (reasons.kinds == TREND).all()
