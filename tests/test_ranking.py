import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import sparse

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import Lists, nearest, products, top_k

# Small integers: inner products are exact, and many are equal.
integers = st.integers(-2, 2).map(float)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@st.composite
def rankings(
    draw: st.DrawFn,
) -> tuple[NDArray[np.float32], NDArray[np.float32], sparse.csr_array]:
    """Users, items, and pairs that are excluded."""
    n_users, n_items, dim = (draw(st.integers(low, 7)) for low in (0, 0, 1))
    users = draw(hnp.arrays(np.float32, (n_users, dim), elements=integers))
    items = draw(hnp.arrays(np.float32, (n_items, dim), elements=integers))
    excluded = draw(hnp.arrays(np.bool_, (n_users, n_items)))
    return users, items, sparse.csr_array(excluded)


def sorted_lists(scores: NDArray[np.float32], excluded: NDArray[np.bool_], k: int) -> Lists:
    """The same by sorting everything, of equal scores the lower row first."""
    left = np.where(excluded, -np.inf, scores).astype(np.float32)
    order = np.argsort(-left, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(left, order, axis=1)
    return Lists(np.where(np.isneginf(best), NO_ROW, order).astype(np.int32), best)


def assert_same_lists(left: Lists, right: Lists) -> None:
    np.testing.assert_array_equal(left.rows, right.rows, strict=True)
    np.testing.assert_array_equal(left.scores, right.scores, strict=True)


def nothing(users: NDArray[np.float32], items: NDArray[np.float32]) -> sparse.csr_array:
    return sparse.csr_array((len(users), len(items)), dtype=np.bool_)


@given(rankings(), st.integers(0, 9), st.integers(1, 9))
def test_lists_are_a_stable_sort_in_any_batches(
    ranking: tuple[NDArray[np.float32], NDArray[np.float32], sparse.csr_array],
    k: int,
    batch_size: int,
) -> None:
    """Exclusions, ties, k above the number of items, no user and no item among them."""
    users, items, excluded = ranking

    lists = top_k(users, items, excluded, k, batch_size=batch_size)

    assert lists.rows.shape == lists.scores.shape == (len(users), min(k, len(items)))
    assert_same_lists(lists, sorted_lists(users @ items.T, excluded.toarray(), k))


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
def test_threads_agree_to_the_bit_and_are_as_many_again(
    rng: np.random.Generator, n_threads: int
) -> None:
    import torch

    users = rng.standard_normal((1100, 387), np.float32)
    items = rng.standard_normal((301, 387), np.float32)
    excluded = sparse.csr_array(rng.random((1100, 301)) < 0.1)
    alone = top_k(users, items, excluded, 20, batch_size=len(users))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(n_threads)
        lists = top_k(users, items, excluded, 20, batch_size=600)
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    assert_same_lists(lists, alone)


@pytest.mark.parametrize("batch_size", [1, 3, 16, 17, 50, 1000])
def test_batch_sizes_agree_to_the_bit(rng: np.random.Generator, batch_size: int) -> None:
    """Whoever shares a user's batch leaves no trace, so a night repeated is the same night."""
    users = rng.standard_normal((50, 387), np.float32)
    items = rng.standard_normal((301, 387), np.float32)
    excluded = sparse.csr_array(rng.random((50, 301)) < 0.1)

    lists = top_k(users, items, excluded, 20, batch_size=batch_size)

    assert_same_lists(lists, top_k(users, items, excluded, 20))


@pytest.mark.parametrize("n_users", [0, 1, 3, 16, 17])
def test_products_agree_to_the_bit_whoever_shares_them(
    rng: np.random.Generator, n_users: int
) -> None:
    """Also of slices, as both parts of a score are."""
    users = rng.standard_normal((50, 387), np.float32)
    items = rng.standard_normal((31, 387), np.float32)

    for part in (slice(0, 380), slice(380, 387)):
        found = products(users[:n_users, part], items[:, part])
        np.testing.assert_array_equal(found, products(users[:, part], items[:, part])[:n_users])
        np.testing.assert_allclose(found, users[:n_users, part] @ items[:, part].T, atol=1e-4)


@pytest.mark.parametrize("n_users", [1, 2, 3, 20])
def test_items_of_one_text_are_listed_in_order(rng: np.random.Generator, n_users: int) -> None:
    """They score the same wherever they stand in the catalogue."""
    users = rng.standard_normal((n_users, 387), np.float32)
    items = rng.standard_normal((301, 387), np.float32)
    twins = [3, 150, 288, 299, 300]
    items[twins] = 10 * users[0]

    lists = top_k(users, items, nothing(users, items), 5)

    assert lists.rows[0].tolist() == twins
    assert len(set(lists.scores[0].tolist())) == 1


def test_ties_at_the_end_of_a_list_go_to_the_lower_rows() -> None:
    """Where more items share the last place than there are places, and where all share it."""
    users = np.ones((1, 1), np.float32)
    items = np.ones((500, 1), np.float32)
    items[400] = 2

    lists = top_k(users, items, nothing(users, items), 4)

    assert lists.rows.tolist() == [[400, 0, 1, 2]]
    assert lists.scores.tolist() == [[2, 1, 1, 1]]


def test_an_excluded_item_is_in_no_list_however_good() -> None:
    users, items = np.ones((2, 1), np.float32), np.array([[9], [1], [2]], np.float32)
    excluded = sparse.csr_array(np.array([[True, False, False], [False, False, False]]))

    assert top_k(users, items, excluded, 2).rows.tolist() == [[2, 1], [0, 2]]


def test_a_user_who_had_everything_has_an_empty_list() -> None:
    users, items = np.ones((2, 1), np.float32), np.ones((3, 1), np.float32)
    excluded = sparse.csr_array(np.array([[True, True, True], [True, False, True]]))

    lists = top_k(users, items, excluded, 3)

    assert lists.rows.tolist() == [[NO_ROW] * 3, [1, NO_ROW, NO_ROW]]
    assert np.isneginf(lists.scores[lists.rows == NO_ROW]).all()


@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 8), st.just(2)), elements=integers))
def test_nobody_is_near_to_themselves_or_to_nothing(vectors: NDArray[np.float32]) -> None:
    own = np.arange(len(vectors), dtype=np.int32)
    has_direction = vectors.any(axis=1)

    lists = nearest(vectors, vectors, own, 3)

    assert not (lists.rows == own[:, None]).any()
    assert set(lists.rows.ravel().tolist()) <= {NO_ROW, *np.flatnonzero(has_direction).tolist()}
    n_near = np.where(has_direction, min(3, int(has_direction.sum()) - 1), 0)
    np.testing.assert_array_equal((lists.rows != NO_ROW).sum(axis=1), n_near)


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(2)), elements=integers),
    hnp.arrays(np.float32, st.tuples(st.integers(1, 8), st.just(2)), elements=integers),
    st.integers(1, 1000),
)
def test_nearness_is_the_cosine(
    queries: NDArray[np.float32], pool: NDArray[np.float32], length: int
) -> None:
    """Lengths do not count, and who is not in the pool may have anyone in it."""
    assume(queries.any(axis=1).all() and pool.any(axis=1).all())
    nowhere = np.full(len(queries), NO_ROW, np.int32)

    lists = nearest(queries * np.float32(length), pool, nowhere, len(pool))

    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(pool, axis=1)
    cosines = np.take_along_axis(queries @ pool.T / lengths, lists.rows, axis=1)
    np.testing.assert_allclose(lists.scores, cosines, atol=1e-6)
    np.testing.assert_array_equal(
        np.sort(lists.rows, axis=1), np.tile(range(len(pool)), (len(queries), 1))
    )
    assert (np.diff(lists.scores, axis=1) <= 0).all()


def test_a_query_is_left_out_where_it_stands_in_the_pool() -> None:
    pool = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    queries, own = pool[[3, 1]], np.array([3, 1], np.int32)

    lists = nearest(queries, pool, own, 2)

    assert lists.rows.tolist() == [[2, 1], [2, 3]]
    np.testing.assert_allclose(lists.scores, [[np.sqrt(0.5), 0]] * 2)


@pytest.mark.parametrize("shape", [(0, 2), (2, 0)])
def test_where_nobody_asks_or_answers_there_are_no_neighbours(shape: tuple[int, int]) -> None:
    n_queries, n_pool = shape
    queries, pool = np.ones((n_queries, 2), np.float32), np.ones((n_pool, 2), np.float32)

    lists = nearest(queries, pool, np.full(n_queries, NO_ROW, np.int32), 3)

    assert lists.rows.shape == (n_queries, min(3, n_pool))
