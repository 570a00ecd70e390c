"""Lists by a policy: never short, in the order that the formulas say, whatever is asked at once."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import (
    ListedItems,
    ListPolicy,
    Lists,
    Products,
    Scores,
    arrange,
    make_lists,
    top_k,
)

AXES = np.concatenate([np.eye(3), np.zeros((1, 3))]).astype(np.float32)  # the last is no text


class World(NamedTuple):
    """Scores of users and items in small integers, pairs left out, and what is known of items."""

    scores: NDArray[np.float32]
    excluded: NDArray[np.bool_]
    items: ListedItems

    @property
    def ranking(self) -> Scores:
        """Without what is left out."""
        return Scores(np.where(self.excluded, np.float32(-np.inf), self.scores))


@st.composite
def worlds(draw: st.DrawFn, most_items: int = 30) -> World:
    """Cosines are 0 or 1, and many scores are equal."""
    n_users, n_items = draw(st.integers(0, 3)), draw(st.integers(0, most_items))
    kinds = draw(hnp.arrays(np.intp, n_items, elements=st.integers(0, len(AXES) - 1)))
    return World(
        draw(hnp.arrays(np.float32, (n_users, n_items), elements=st.integers(-8, 8).map(float))),
        draw(hnp.arrays(np.bool_, (n_users, n_items))),
        ListedItems(
            AXES[kinds],
            draw(hnp.arrays(np.int32, n_items, elements=st.integers(NO_ROW, 3))),
            draw(hnp.arrays(np.bool_, n_items)),
        ),
    )


policies = st.builds(
    ListPolicy,
    length=st.integers(1, 25),
    diversity=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
    category_cap=st.one_of(st.none(), st.integers(1, 4)),
    new_item_share=st.sampled_from([0.0, 0.1, 0.25, 0.5]),
)


def listed(lists: Lists) -> list[list[int]]:
    """The rows of each list, without the empty places at its end."""
    return [row[row != NO_ROW].tolist() for row in lists.rows]


@given(worlds(), policies)
def test_a_list_is_short_only_where_items_are_lacking(world: World, policy: ListPolicy) -> None:
    """And it repeats nothing, shows nothing that is left out, and keeps its items' scores."""
    lists = make_lists(world.ranking, policy, world.items)

    n_left = (~world.excluded).sum(axis=1)
    for user, rows in enumerate(listed(lists)):
        assert len(rows) == min(policy.length, n_left[user])
        assert len(set(rows)) == len(rows)
        assert not world.excluded[user, rows].any()
        np.testing.assert_array_equal(lists.scores[user, : len(rows)], world.scores[user, rows])
        assert (lists.rows[user, len(rows) :] == NO_ROW).all()
        assert np.isneginf(lists.scores[user, len(rows) :]).all()


@given(worlds(), policies)
def test_the_first_is_the_best(world: World, policy: ListPolicy) -> None:
    lists = make_lists(world.ranking, policy, world.items)

    for user, rows in enumerate(listed(lists)):
        if rows:
            assert world.scores[user, rows[0]] == world.scores[user, ~world.excluded[user]].max()


@given(worlds(), st.integers(1, 25))
def test_without_a_policy_lists_are_by_score(world: World, length: int) -> None:
    n_users, n_items = world.scores.shape
    by_score = top_k(
        world.scores, np.eye(n_items, dtype=np.float32), sparse.csr_array(world.excluded), length
    )
    pool = world.ranking.best(np.arange(n_users), n_items)

    for lists in (
        make_lists(world.ranking, ListPolicy(length), world.items),
        arrange(pool, ListPolicy(length), world.items),
    ):
        np.testing.assert_array_equal(lists.rows, by_score.rows)
        np.testing.assert_array_equal(lists.scores, by_score.scores)


def volume(direction: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Squared distance of a unit vector from the span of others; 1 for no vector."""
    if not direction.any() or not len(others):
        return 1.0
    nearest = np.linalg.lstsq(others.T, direction, rcond=None)[0] @ others
    return float(np.square(direction - nearest).sum())


def by_formula(world: World, user: int, policy: ListPolicy) -> list[int]:
    """The greedy mode, item by item."""
    left = np.flatnonzero(~world.excluded[user]).tolist()
    scores, directions = world.scores[user], world.items.directions
    plain = sorted(scores[left], reverse=True)[: policy.length]
    spread = np.float32(plain[0] - plain[-1] or 1) if plain else np.float32(1)
    chosen: list[int] = []
    while left and len(chosen) < policy.length:
        theta = policy.diversity if chosen else 0.0
        values = [
            (1 - theta) * float((scores[item] - plain[-1]) / spread)
            + theta * np.log(max(volume(directions[item], directions[chosen]), 1e-6))
            for item in left
        ]
        chosen.append(left.pop(int(np.argmax(np.array(values, np.float32)))))
    return chosen


@given(worlds(most_items=14), st.integers(1, 12), st.sampled_from([0.25, 0.5, 0.75]))
def test_diversity_is_the_greedy_mode_of_a_determinantal_process(
    world: World, length: int, diversity: float
) -> None:
    """Ties, too, go to the lower row; an item without a text is like nothing."""
    policy = ListPolicy(length, diversity=diversity)

    lists = make_lists(world.ranking, policy, world.items)

    assert listed(lists) == [by_formula(world, user, policy) for user in range(len(world.scores))]


def test_volumes_multiply_to_the_determinant() -> None:
    """With relevance out of the way, each next item is the one that leaves the largest."""
    rng = np.random.default_rng(0)
    nothing = np.full(12, NO_ROW, np.int32), np.zeros(12, np.bool_)
    items = ListedItems.of(rng.standard_normal((12, 6), np.float32), *nothing)
    scores = Scores(np.array([[1, *[0] * 11]], np.float32))

    (rows,) = listed(make_lists(scores, ListPolicy(5, diversity=1), items))

    for place in range(1, 5):
        determinants = [
            np.linalg.det(directions @ directions.T)
            for item in range(12)
            for directions in [items.directions[[*rows[:place], item]].astype(np.float64)]
        ]
        assert rows[place] == int(np.argmax(determinants))


def test_of_two_that_are_alike_the_second_waits() -> None:
    items = ListedItems(AXES[[0, 0, 1]], np.full(3, NO_ROW, np.int32), np.zeros(3, np.bool_))
    scores = Scores(np.array([[4, 3, 2]], np.float32))

    assert listed(make_lists(scores, ListPolicy(3), items)) == [[0, 1, 2]]
    assert listed(make_lists(scores, ListPolicy(3, diversity=0.5), items)) == [[0, 2, 1]]


@given(worlds(), policies.map(lambda policy: policy._replace(length=25)))
def test_a_cap_yields_only_where_no_other_category_is_left(
    world: World, policy: ListPolicy
) -> None:
    cap = policy.category_cap or 1
    lists = make_lists(world.ranking, policy._replace(category_cap=cap), world.items)

    for user, rows in enumerate(listed(lists)):
        assert_capped(rows, np.flatnonzero(~world.excluded[user]), world.items.categories, cap)


def assert_capped(
    rows: list[int], may_be: NDArray[np.intp], categories: NDArray[np.int32], cap: int
) -> None:
    """No item above the cap stands where one below it could have stood."""
    for place, item in enumerate(rows):
        ten = [categories[other] for other in rows[place - place % 10 : place]]
        category = categories[item]
        if category != NO_ROW and ten.count(category) >= cap:
            left = [categories[other] for other in may_be if other not in rows[:place]]
            assert all(other != NO_ROW and ten.count(other) >= cap for other in left)


@pytest.mark.parametrize("cap", [1, 3])
def test_a_cap_looks_beyond_the_best_candidates(monkeypatch: pytest.MonkeyPatch, cap: int) -> None:
    """A user whose best thousand items are of one category sees others all the same."""
    monkeypatch.setattr("recsys_tasks.ranking.candidates._LEAST_POOL", 40)
    categories = np.repeat(np.arange(11, dtype=np.int32), [1000, *[1] * 10])
    n_items = len(categories)
    items = ListedItems(np.zeros((n_items, 1), np.float32), categories, np.zeros(n_items, np.bool_))
    scores = Scores(-np.arange(n_items, dtype=np.float32)[None])

    (rows,) = listed(make_lists(scores, ListPolicy(10, category_cap=cap), items))

    assert rows == [*range(cap), *range(1000, 1010 - cap)]


@given(worlds(), policies)
def test_new_items_have_their_share_while_there_are_any(world: World, policy: ListPolicy) -> None:
    """In the first ten and from there on; without a cap, which may keep them out."""
    policy = policy._replace(category_cap=None)
    lists = make_lists(world.ranking, policy, world.items)

    for user, rows in enumerate(listed(lists)):
        n_left = int((world.items.are_new & ~world.excluded[user]).sum())
        so_far = np.cumsum(world.items.are_new[rows])
        wanted = policy.new_by_rank()[: len(rows)]
        assert (so_far >= np.minimum(wanted, n_left)).all()


@given(worlds(), st.integers(1, 25), st.sampled_from([0.1, 0.2, 0.5]))
def test_a_share_keeps_both_orders(world: World, length: int, share: float) -> None:
    """Of the new ones among themselves, and of the others: each is by score."""
    lists = make_lists(world.ranking, ListPolicy(length, new_item_share=share), world.items)

    for user, rows in enumerate(listed(lists)):
        for kind in (True, False):
            order = [
                (-world.scores[user, row], row) for row in rows if world.items.are_new[row] == kind
            ]
            assert order == sorted(order)


@given(st.integers(1, 60), st.floats(0, 0.5))
def test_a_share_is_spread_and_rounded_up(length: int, share: float) -> None:
    wanted = ListPolicy(length, new_item_share=share).new_by_rank()

    assert wanted[0] == 0
    assert set(np.diff(wanted).tolist()) <= {0, 1}
    ranks = np.arange(1, length + 1)
    if length >= 10:
        assert (wanted[9:] >= share * ranks[9:] - 1e-5).all()
        assert wanted[9] == np.ceil(np.round(share * 10, 6))


def test_the_best_new_items_stand_between_the_others() -> None:
    """A fifth of ten: ranks 3 and 8."""
    are_new = np.arange(20) >= 15
    items = ListedItems(np.zeros((20, 1), np.float32), np.full(20, NO_ROW, np.int32), are_new)
    scores = Scores(-np.arange(20, dtype=np.float32)[None])

    (rows,) = listed(make_lists(scores, ListPolicy(10, new_item_share=0.2), items))

    assert rows == [0, 1, 15, 2, 3, 4, 5, 16, 6, 7]


@pytest.mark.parametrize("batch_size", [1, 3, 16, 50, 1000])
def test_batch_sizes_agree_to_the_bit(monkeypatch: pytest.MonkeyPatch, batch_size: int) -> None:
    """Whoever shares a user's batch leaves no trace."""
    rng = np.random.default_rng(0)
    users, vectors = (rng.standard_normal((n, 384), np.float32) for n in (50, 301))
    excluded = sparse.csr_array(rng.random((50, 301)) < 0.1)
    items = ListedItems.of(
        vectors, rng.integers(-1, 30, 301).astype(np.int32), rng.random(301) < 0.1
    )
    policy = ListPolicy(20, diversity=0.6, category_cap=2, new_item_share=0.2)
    together = make_lists(Products(users, vectors, excluded), policy, items)

    n_candidates = 200 + 4 * 4
    monkeypatch.setattr(
        "recsys_tasks.ranking.arranging._MOST_COSINES", batch_size * n_candidates**2
    )
    monkeypatch.setattr("recsys_tasks.ranking.making._CHUNK", batch_size)
    lists = make_lists(Products(users, vectors, excluded, batch_size), policy, items)

    np.testing.assert_array_equal(lists.rows, together.rows)
    np.testing.assert_array_equal(lists.scores, together.scores)


@given(worlds(), policies)
def test_scores_and_products_make_the_same_lists(world: World, policy: ListPolicy) -> None:
    n_items = world.scores.shape[1]
    products = Products(
        world.scores, np.eye(n_items, dtype=np.float32), sparse.csr_array(world.excluded)
    )

    assert listed(make_lists(products, policy, world.items)) == listed(
        make_lists(world.ranking, policy, world.items)
    )


def test_likeness_is_of_centred_texts() -> None:
    """What all texts share makes no two alike, and an item without a text stays without."""
    vectors = np.array([[3, 1], [3, -1], [0, 0]], np.float32)
    nothing = np.full(3, NO_ROW, np.int32), np.zeros(3, np.bool_)

    directions = ListedItems.of(vectors, *nothing).directions

    np.testing.assert_array_equal(directions, [[0, 1], [0, -1], [0, 0]])
