"""How items speak for each other: closed forms, and what sparsity leaves of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

from recsys_tasks import cooccurrence as room
from recsys_tasks.cooccurrence import L2, cooccurrence, ease_weights

taken = hnp.arrays(np.bool_, st.tuples(st.integers(0, 6), st.integers(1, 5)))


def matrix_of(who_took_what: NDArray[np.bool_]) -> sparse.csr_matrix:
    return sparse.csr_matrix(who_took_what.astype(np.float32))


@given(taken, st.sampled_from([0.5, 10.0, L2]))
def test_ease_is_its_closed_form(who_took_what: NDArray[np.bool_], l2: float) -> None:
    """And the items that share no user with another are left out, having no weight to any."""
    n_items = who_took_what.shape[1]
    x = who_took_what.astype(np.float64)
    inverse = np.linalg.inv(x.T @ x + l2 * np.eye(n_items))
    expected = -inverse / inverse.diagonal()
    np.fill_diagonal(expected, 0)
    items, weights = ease_weights(matrix_of(who_took_what), l2)
    found = np.zeros((n_items, n_items))
    found[np.ix_(items, items)] = weights

    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(taken)
def test_cosine_is_that_of_scikit_learn_and_no_item_speaks_for_itself(
    who_took_what: NDArray[np.bool_],
) -> None:
    found = cooccurrence(matrix_of(who_took_what))
    somebody = np.append(who_took_what, np.zeros((1, who_took_what.shape[1])), axis=0)
    expected = cosine_similarity(somebody.T)
    np.fill_diagonal(expected, 0)

    np.testing.assert_allclose(found.cosine.toarray(), expected, atol=1e-6)
    assert not found.ease.diagonal().any()


@given(taken)
def test_the_order_of_users_changes_nothing(who_took_what: NDArray[np.bool_]) -> None:
    first, second = (cooccurrence(matrix_of(rows)) for rows in (who_took_what, who_took_what[::-1]))

    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one.toarray(), other.toarray(), atol=1e-6)


@pytest.fixture
def dense() -> NDArray[np.bool_]:
    return np.random.default_rng(0).random((60, 30)) < 0.3


def test_of_ease_the_strongest_that_speak_for_each_item_are_kept(
    monkeypatch: pytest.MonkeyPatch, dense: NDArray[np.bool_]
) -> None:
    whole = cooccurrence(matrix_of(dense)).ease.toarray()
    monkeypatch.setattr(room, "N_KEPT", 4)
    kept = cooccurrence(matrix_of(dense)).ease.toarray()

    assert ((kept != 0).sum(axis=0) <= 4).all()
    assert (kept != 0).any()
    for column in range(30):
        strongest = np.sort(whole[:, column])[::-1][:4]
        found = kept[:, column]
        np.testing.assert_allclose(np.sort(found[found != 0])[::-1], strongest[strongest != 0])


def test_of_cosine_the_nearest_of_each_item_are_kept(
    monkeypatch: pytest.MonkeyPatch, dense: NDArray[np.bool_]
) -> None:
    """Itself is one of them, and then left out."""
    whole = cooccurrence(matrix_of(dense)).cosine.toarray()
    monkeypatch.setattr(room, "N_KEPT", 4)
    kept = cooccurrence(matrix_of(dense)).cosine.toarray()

    for row in range(30):
        found = np.sort(kept[row, kept[row] != 0])[::-1]
        np.testing.assert_allclose(found, np.sort(whole[row])[::-1][:3], atol=1e-6)


def test_a_catalogue_too_large_for_ease_has_cosine_alone(
    monkeypatch: pytest.MonkeyPatch, dense: NDArray[np.bool_]
) -> None:
    monkeypatch.setattr(room, "EASE_MAX_ITEMS", 29)
    found = cooccurrence(matrix_of(dense))

    assert found.ease.shape == (30, 30)
    assert found.ease.nnz == 0
    assert found.cosine.nnz > 0


@pytest.mark.parametrize("shape", [(0, 4), (3, 4)])
def test_where_nobody_took_to_anything_nothing_speaks(shape: tuple[int, int]) -> None:
    found = cooccurrence(matrix_of(np.zeros(shape, np.bool_)))

    for matrix in found:
        assert matrix.shape == (4, 4)
        assert matrix.nnz == 0
        assert matrix.dtype == np.float32
