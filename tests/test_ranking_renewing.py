"""Neighbours brought up to date are those made anew, to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.ranking import Lists, nearest, renewed

NOBODY = np.zeros(0, np.intp)


def anew(vectors: NDArray[np.float32], k: int, batch_size: int = 1024) -> Lists:
    """The lists of all, of whom none is known."""
    everybody = np.ones(len(vectors), np.bool_)
    none = Lists(np.zeros((0, k), np.int32), np.zeros((0, k), np.float32))
    found = renewed(vectors, everybody, NOBODY, none, batch_size=batch_size)
    assert found.rows.tolist() == list(range(len(vectors)))
    return found.lists


def assert_same(found: Lists, wanted: Lists) -> None:
    np.testing.assert_array_equal(found.rows, wanted.rows)
    np.testing.assert_array_equal(found.scores, wanted.scores)


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors before and after: some are gone, some are others, some are new; many are equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, dim = draw(st.integers(0, 60)), draw(st.sampled_from([1, 3, 37]))
    kinds = rng.normal(size=(draw(st.integers(1, 40)), dim)).astype(np.float32)
    kinds[0] = 0  # near to nothing
    which = rng.integers(len(kinds), size=(2, n))
    before, after = kinds[which]
    stays = rng.random(n) < draw(st.floats(0, 1))
    after[stays] = before[stays]
    before[rng.random(n) < 0.1] = np.nan  # not there yet
    after[rng.random(n) < 0.1] = np.nan  # not there any more
    return before, after


@given(catalogues(), st.integers(1, 9), st.sampled_from([1, 3, 1000]))
def test_lists_brought_up_to_date_are_made_anew(
    worlds: tuple[NDArray[np.float32], NDArray[np.float32]], k: int, batch_size: int
) -> None:
    before, after = worlds
    was, there = (np.flatnonzero(~np.isnan(world).any(axis=1)) for world in worlds)
    are_new = ~(before[there] == after[there]).all(axis=1)
    known = anew(before[was], k)
    # What was a row of `was` is a row of `there`, or gone.
    places = np.full(len(before) + 1, NO_ROW)
    places[there] = np.where(are_new, NO_ROW, np.arange(len(there)))
    own, theirs = places[was], np.where(known.rows == NO_ROW, NO_ROW, places[was[known.rows]])
    stands = (own != NO_ROW) & (theirs != NO_ROW).all(axis=1)
    standing = Lists(theirs[stands].astype(np.int32), known.scores[stands])

    found = renewed(after[there], are_new, own[stands], standing, batch_size=batch_size)

    lists = Lists(np.zeros((len(there), k), np.int32), np.zeros((len(there), k), np.float32))
    lists.rows[own[stands]], lists.scores[own[stands]] = standing
    lists.rows[found.rows], lists.scores[found.rows] = found.lists
    assert_same(lists, anew(after[there], k))
    same = np.setdiff1d(np.arange(len(there)), own[stands])
    assert set(same.tolist()) <= set(found.rows.tolist())


@pytest.mark.parametrize("n", [1, 2, 300])
def test_they_are_the_nearest(n: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(n, 48)).astype(np.float32)
    found = anew(vectors, 10)
    wanted = nearest(vectors, vectors, np.arange(n, dtype=np.int32), 10)
    width = wanted.rows.shape[1]
    np.testing.assert_array_equal(found.rows[:, :width], wanted.rows)
    np.testing.assert_allclose(found.scores[:, :width], wanted.scores, atol=1e-6)
    assert (found.rows[:, width:] == NO_ROW).all()


def test_more_equals_than_are_proposed_come_in_the_order_of_rows() -> None:
    vectors = np.ones((100, 4), np.float32)
    np.testing.assert_array_equal(anew(vectors, 3).rows[50], [0, 1, 2])
    np.testing.assert_array_equal(anew(vectors, 3).rows[1], [0, 2, 3])


def test_nothing_new_moves_nobody() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    nothing = np.zeros(40, np.bool_)
    found = renewed(vectors, nothing, np.arange(40), anew(vectors, 5))
    assert len(found.rows) == 0
