"""Who is ranked again: what each plain score puts first, and nothing that is banned."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from recsys_tasks.reranking.candidates import Source, candidates

N_USERS, N_ITEMS = 3, 12

Banned = NDArray[np.bool_]
bans = hnp.arrays(np.bool_, (N_USERS, N_ITEMS))
quotas = st.integers(1, N_ITEMS + 2)


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """A plain score of distinct values, of each user or shared."""
    places = st.permutations(range(N_ITEMS)).map(lambda order: np.array(order, np.float32))
    if draw(st.booleans()):
        return Source(draw(places), draw(quotas))
    return Source(np.stack([draw(places) for _ in range(N_USERS)]), draw(quotas))


def chosen_by(source: Source, banned: Banned) -> set[tuple[int, int]]:
    """The best that are free, user by user."""
    rows = np.broadcast_to(source.scores, banned.shape).tolist()
    return {
        (user, item)
        for user, row in enumerate(rows)
        for item in sorted(np.flatnonzero(~banned[user]).tolist(), key=lambda item: -row[item])[
            : source.quota
        ]
    }


@given(st.lists(st.tuples(sources(), bans), min_size=1, max_size=4))
def test_candidates_are_the_union_of_the_best_that_are_free(
    proposals: list[tuple[Source, Banned]],
) -> None:
    users, items = candidates(proposals)
    expected = set[tuple[int, int]]().union(*(chosen_by(*proposal) for proposal in proposals))

    assert list(zip(users.tolist(), items.tolist(), strict=True)) == sorted(expected)


def test_of_equal_shared_scores_the_lower_row_comes_first() -> None:
    banned = np.zeros((2, 5), np.bool_)
    banned[1, 0] = True
    users, items = candidates([(Source(np.zeros(5, np.float32), 2), banned)])

    assert users.tolist() == [0, 0, 1, 1]
    assert items.tolist() == [0, 1, 1, 2]


def test_where_everything_is_banned_there_is_no_candidate() -> None:
    """Whatever the scores, infinite ones among them."""
    banned = np.ones((1, 3), np.bool_)
    of_each = Source(np.array([[np.inf, 0, -np.inf]], np.float32), 3)
    users, items = candidates([(of_each, banned), (Source(of_each.scores[0], 3), banned)])

    assert len(users) == len(items) == 0


def test_without_users_there_is_no_candidate() -> None:
    banned = np.zeros((0, 3), np.bool_)
    users, _ = candidates([(Source(np.zeros((0, 3), np.float32), 2), banned)])

    assert len(users) == 0
