"""Reasons: which parts of a score are told, and in what order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from strategies import HALF_LIVES, MODEL, N_DAYS, History, histories
from worlds import Deed, history_of

from recsys_tasks.explaining import (
    EARLIER,
    INTERACTION,
    TEXT,
    TREND,
    Explained,
    FirstStage,
    explain,
    put_together,
)
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import UserFacts
from recsys_tasks.interest_scorer import state_of
from recsys_tasks.ranking import Lists, top_k
from recsys_tasks.reranking import Sides

NIGHT = N_DAYS - 1
DIM = 3
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
        state = state_of(happened, users, MODEL.inputs(vectors), HALF_LIVES, NIGHT)
        facts = UserFacts(MODEL.interests(state, centre), state.masses)
        items = np.concatenate([vectors[: len(trends)], trends], axis=1)
        self.sides = Sides(MODEL.user_side(facts), items, DIM)
        self.stage = FirstStage.of(
            MODEL, self.sides, facts, centre, NIGHT, happened, vectors, length
        )

    def lists(self, k: int = 5) -> Lists:
        """The top-k, with nothing left out."""
        excluded = sparse.csr_array((len(self.sides.users), len(self.sides.items)), dtype=np.bool_)
        return top_k(self.sides.users, self.sides.items, excluded, k)

    def reasons(self, lists: Lists, batch_size: int = 128) -> Explained:
        """Why each entry stands there."""
        return explain(lists, self.stage, batch_size=batch_size)


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


@given(histories(), st.integers(1, 5))
def test_reasons_are_the_largest_parts_by_their_definition(
    history: History, batch_size: int
) -> None:
    """In any batches: first the largest of the larger side, then what else speaks for the item."""
    trends = np.linspace(-0.5, 0.5, 10, dtype=np.float32).reshape(5, 2)
    world = World(history.interactions, history.vectors, history.n_users, trends)
    lists = world.lists()

    told = world.reasons(lists, batch_size)

    for user in range(history.n_users):
        own = world.stage.parts(
            np.array([user]), lists.rows[[user]], int(world.stage.lengths[user])
        )
        summed = put_together(own.grounds, own.parts)[0]
        kinds, weights = own.grounds.kinds[0], own.grounds.weights[0]
        may_tell = (kinds != EARLIER) & (weights >= 0)
        are_own = np.isin(kinds, (INTERACTION, TEXT))
        for place, parts in enumerate(summed):
            first, *others = told.most.parts[user, place].tolist()
            mine, trend = parts[are_own | (kinds == EARLIER)].sum(), parts[kinds == TREND].sum()
            best_own = parts[are_own & may_tell].max(initial=0)
            if mine > trend + 1e-4 and best_own > 1e-4:
                assert first == pytest.approx(best_own, abs=1e-5)
            elif mine < trend - 1e-4 and parts[kinds == TREND].max() > 1e-4:
                assert first == pytest.approx(parts[kinds == TREND].max(), abs=1e-5)
            rest = np.sort(np.append(parts[may_tell], [0.0, 0.0]))[::-1].tolist()
            rest.remove(min(rest, key=lambda part: abs(part - first)))
            assert others == pytest.approx([max(part, 0) for part in rest[:2]], abs=1e-5)
            assert [part > 0 for part in others] == (told.most.kinds[user, place, 1:] > 0).tolist()
            assert told.first.parts[user, place] == told.most.parts[user, place, 0]


@given(histories(), st.integers(1, 4))
def test_what_the_history_does_not_reach_is_one_part(history: History, length: int) -> None:
    """The last interactions are told apart as they were; the others are summed."""
    complete = World(history.interactions, history.vectors, history.n_users)
    known = World(history.interactions, history.vectors, history.n_users, length=length)
    users = np.arange(history.n_users)
    rows = np.tile(np.arange(5, dtype=np.int32), (history.n_users, 1))

    whole = complete.stage.parts(users, rows, 50).parts
    short = known.stage.parts(users, rows, length).parts

    np.testing.assert_allclose(short[..., :length], whole[..., 50 - length : 50], atol=1e-5)
    earlier = whole[..., : 50 - length].sum(axis=-1)
    np.testing.assert_allclose(short[..., length], earlier, atol=1e-4)


@given(histories())
def test_contributors_stand_at_the_end_in_order_of_time(history: History) -> None:
    known = World(history.interactions, history.vectors, history.n_users).stage.known

    for user, rows in enumerate(known.interactions):
        own = rows[rows != NO_ROW]
        assert (rows[len(rows) - len(own) :] != NO_ROW).all()
        assert (history.interactions.users[own] == user).all()
        assert (np.diff(own) >= 0).all()


AXES = np.concatenate([np.eye(DIM), np.eye(DIM)]).astype(np.float32)  # of 3 items, then of 3 texts
ORIGIN = np.zeros(DIM, np.float32)


def test_an_item_is_listed_because_of_the_item_like_it() -> None:
    """User 0 took to items 0 and 1; each is listed because of itself, however far back."""
    happened = history_of([Deed(0, 0, 1.0), Deed(0, 1, 30.0), Deed(1, 2, 31.0)])
    world = World(happened, AXES, 2, FLAT[:3], centre=ORIGIN)

    lists = world.lists(2)
    reasons = world.reasons(lists).first

    assert lists.rows[0].tolist() == [1, 0]
    assert reasons.items[0].tolist() == [1, 0]
    assert reasons.days[0].tolist() == [30, 1]
    assert reasons.kinds[0].tolist() == [INTERACTION, INTERACTION]
    assert (lists.rows[1, 0], reasons.items[1, 0]) == (2, 2)


def test_of_two_alike_the_newer_gave_more() -> None:
    happened = history_of([Deed(0, 0, 1.0), Deed(0, 0, 30.0)])
    world = World(happened, AXES, 1, FLAT[:3], centre=ORIGIN)

    assert world.reasons(world.lists(1)).first.days.tolist() == [[30]]


def test_an_item_and_a_day_are_one_reason() -> None:
    """A day of many small steps towards item 0 outweighs a single one; the heaviest step tells."""
    deeds = [Deed(0, 0, 20.0 + step / 8, 1.0 if step == 1 else 0.25) for step in range(4)]
    happened = history_of([*deeds, Deed(0, 0, 21.0, 1.0)])
    happened = replace(happened, types=np.array([1, 2, 3, 3, 4], np.int16))
    world = World(happened, AXES, 1, FLAT[:3], centre=ORIGIN)

    told = world.reasons(world.lists(1))

    assert (told.first.days.tolist(), told.first.details.tolist()) == ([[20]], [[2]])
    assert told.most.days[0, 0].tolist() == [20, 21, 0]
    parts = world.stage.parts(np.array([0]), np.array([[0]], np.int32), 5).parts[0, 0]
    assert told.most.parts[0, 0].tolist() == pytest.approx([parts[:4].sum(), parts[4], 0])


def test_what_was_disliked_is_no_reason() -> None:
    """A dislike of item 0 explains neither it nor item 1, which it says nothing of."""
    happened = history_of([Deed(0, 0, 30.0, -1.0)])
    world = World(happened, AXES, 1, FLAT[:3], centre=ORIGIN)

    reasons = world.reasons(world.lists(3)).first

    assert (reasons.kinds == TREND).all()


def test_a_text_is_told_from_an_item() -> None:
    """A search for what is near to item 2."""
    world = World(wrote(0, 5, 30.0), AXES, 1, FLAT[:3], centre=ORIGIN)

    lists = world.lists(1)
    reasons = world.reasons(lists).first

    assert lists.rows.tolist() == [[2]]
    assert reasons.kinds.tolist() == [[TEXT]]
    assert (reasons.items.tolist(), reasons.days.tolist()) == ([[NO_ROW]], [[30]])


def test_whoever_did_nothing_is_told_what_trends() -> None:
    trends = np.array([[0.0, 0.9], [3.0, 0.0], [-1.0, -1.0]], np.float32)
    world = World(history_of([Deed(1, 2, 30.0)]), AXES, 2, trends, centre=ORIGIN)

    lists = world.lists(3)
    reasons = world.reasons(lists).first

    assert lists.rows[0].tolist() == [1, 0, 2]
    assert reasons.kinds[0].tolist() == [TREND] * 3
    assert reasons.items[0].tolist() == [NO_ROW] * 3
    assert reasons.details[0, :2].tolist() == [1, 7]
    assert reasons.kinds[1, lists.rows[1] == 2].tolist() == [INTERACTION]


def test_a_trend_that_gave_more_than_the_user_did_is_the_reason() -> None:
    trends = np.array([[9.0, 0.0], [0.0, 0.0], [0.0, 0.0]], np.float32)
    world = World(history_of([Deed(0, 0, 30.0), Deed(0, 1, 30.0)]), AXES, 1, trends, centre=ORIGIN)

    lists = world.lists(2)
    reasons = world.reasons(lists).first

    assert lists.rows.tolist() == [[0, 1]]
    assert reasons.kinds.tolist() == [[TREND, INTERACTION]]


def test_after_the_end_of_a_short_list_there_is_no_reason() -> None:
    world = World(history_of([Deed(0, 2, 30.0)]), AXES, 1, FLAT[:3], centre=ORIGIN)
    lists = Lists(np.array([[2, NO_ROW]], np.int32), np.array([[1, -np.inf]], np.float32))

    reasons = world.reasons(lists).first

    assert reasons.kinds.tolist() == [[INTERACTION, 0]]
    assert reasons.items.tolist() == [[2, NO_ROW]]
    assert not world.reasons(lists).most.parts[0, 1].any()


def test_where_nothing_has_a_vector_all_reasons_are_trends() -> None:
    """A night on which all that ever happened was a search for nothing."""
    world = World(wrote(0, NO_ROW, 30.0), AXES[:0], 2, FLAT[:0])
    world.sides = Sides(world.sides.users, np.zeros((3, DIM + 2), np.float32), DIM)
    stage = replace(world.stage, item_side=world.sides.items)

    assert (explain(world.lists(3), stage).first.kinds == TREND).all()


@pytest.mark.parametrize("n_users", [0, 1, 2])
def test_where_nothing_happened_all_reasons_are_trends(n_users: int) -> None:
    world = World(history_of([]), AXES, n_users, FLAT[:3])

    reasons = world.reasons(world.lists(3)).first

    assert reasons.kinds.shape == (n_users, 3)
    assert (reasons.kinds == TREND).all()
