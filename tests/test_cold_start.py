"""Users without behaviour: what attributes say of them, and what they must not say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from worlds import Deed, World, catalogue_of, history_of

from recsys_tasks.cold_start import (
    PRIOR_MASS,
    SHRINKAGE,
    distinct,
    expected,
    most_alike,
    profiles,
    still_expected,
)
from recsys_tasks.evaluation import replay
from recsys_tasks.evaluation.cold_scorer import ColdScorer
from recsys_tasks.evaluation.measuring import values
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.presets import read_preset

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b"]), st.floats(0, 1)
)
DOCUMENTS = st.lists(
    st.dictionaries(
        st.sampled_from(["x", "y"]),
        st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.just({"deep": 1})),
    ),
    max_size=8,
)


def ones(n: int) -> NDArray[np.int32]:
    return np.ones(n, np.int32)


def sparse_of(rows: ArrayLike) -> sparse.csr_array:
    """Profiles out of ones and zeros."""
    return sparse.csr_array(np.atleast_2d(np.asarray(rows, np.float32)))


def profiled(*documents: object) -> list[list[float]]:
    found: list[list[float]] = profiles(documents, ones(len(documents))).toarray().tolist()
    return found


# Profiles


def test_a_list_is_several_values() -> None:
    both, one, other = profiled({"likes": ["tea", "jam"]}, {"likes": "tea"}, {"likes": ["jam"]})

    assert both == [1, 1]
    assert one == [0, 1]
    assert other == [1, 0]


def test_numbers_are_told_apart_by_fifths() -> None:
    rows = profiled(*({"age": age} for age in range(10)))

    assert len(rows[0]) == 5
    assert [row.index(1) for row in rows] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_fifths_are_of_users_not_of_documents() -> None:
    """Of ten users, eight are twenty years old: they share a bin, the others do not get four."""
    ages = [{"age": age} for age in (20, 30)]

    assert profiles(ages, np.array([8, 2], np.int32)).toarray().tolist() == [[1, 0], [0, 1]]


def test_what_only_one_user_has_says_nothing() -> None:
    assert profiled({"name": "Ann"}, {"name": "Bob"}) == [[], []]


@pytest.mark.parametrize("document", [{}, {"a": None}, {"a": {"b": 1}}, None, {"a": [[1]]}])
def test_what_is_no_value_has_no_column(document: object) -> None:
    assert profiled(document, document) == [[], []]


@given(DOCUMENTS, st.integers(0, 99))
def test_profiles_do_not_depend_on_the_order_of_users(documents: list[object], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(documents))
    shuffled = profiles([documents[row] for row in order], ones(len(documents)))
    straight = profiles(documents, ones(len(documents)))

    assert_allclose(shuffled.toarray(), straight.toarray()[order])


@given(DOCUMENTS)
def test_grouping_equal_users_changes_nothing(documents: list[object]) -> None:
    twice = profiles([*documents, *documents], ones(2 * len(documents)))
    grouped = profiles(documents, 2 * ones(len(documents)))

    assert_allclose(twice.toarray()[: len(documents)], grouped.toarray())


@given(DOCUMENTS)
def test_distinct_profiles_give_the_profiles_back(documents: list[object]) -> None:
    every = profiles(documents, ones(len(documents)))
    kinds, which = distinct(every)

    assert_allclose(kinds.toarray()[which], every.toarray())


# What they say


def test_a_value_says_the_mean_of_those_who_have_it_shrunk() -> None:
    """Of three users two are French: the mean of everybody is (2/3, 1/3)."""
    known = sparse_of([[1, 0], [1, 0], [0, 1]])
    interests = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    told = expected(sparse_of(np.eye(2)), known, interests)

    french, spaniard = 2 / (2 + SHRINKAGE), 1 / (1 + SHRINKAGE)
    assert_allclose(told[0], french * np.array([1 / 3, -1 / 3]), rtol=1e-6)
    assert_allclose(told[1], spaniard * np.array([-2 / 3, 2 / 3]), rtol=1e-6)


def test_several_values_say_their_mean() -> None:
    known = sparse_of([[1, 0], [0, 1]])
    interests = np.array([[1.0], [3.0]], np.float32)
    alone = expected(known, known, interests)
    both = expected(sparse_of(np.ones((1, 2))), known, interests)

    assert_allclose(both[0], alone.mean(axis=0), atol=1e-7)


def test_values_that_everybody_has_say_nothing() -> None:
    """What everybody likes is for trends to say."""
    everybody = sparse_of(np.ones((4, 1)))
    interests = np.arange(8, dtype=np.float32).reshape(4, 2)

    assert_allclose(
        expected(everybody, everybody, interests), np.zeros((4, 2), np.float32), atol=1e-6
    )


def test_nothing_is_expected_without_attributes_or_without_anybody() -> None:
    nobody = sparse_of(np.zeros((0, 2)))
    some = sparse_of(np.eye(2))
    interests = np.ones((2, 3), np.float32)

    assert expected(nobody, some, interests).shape == (0, 3)
    assert_allclose(expected(some, nobody, interests[:0]), np.zeros((2, 3), np.float32))
    empty = sparse_of([[0, 0]])
    assert_allclose(expected(empty, some, interests), np.zeros((1, 3), np.float32))


def test_what_attributes_say_fades_with_evidence() -> None:
    masses = np.array([[9, 0], [0, PRIOR_MASS], [1, 99 * PRIOR_MASS]], np.float32)

    assert_allclose(still_expected(masses)[:, 0], [1, 1 / 2, 1 / 100], rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_most_alike_have_most_in_common(batch_size: int) -> None:
    pool = sparse_of([[0, 1, 1], [1, 0, 0], [1, 1, 0]])
    asked = sparse_of([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    rows, cosines = most_alike(asked, pool, 2, batch_size=batch_size)

    assert rows.tolist() == [[2, 1], [0, NO_ROW], [NO_ROW, NO_ROW]]
    expected_cosines = np.array([[1, 2**-0.5], [2**-0.5, 0], [0, 0]])
    assert_allclose(cosines, expected_cosines, rtol=1e-6)


# Lists


def two_countries(n_each: int = 30) -> World:
    """Each country has two items of its own; users 0 and 1 of each come on the last day only."""
    deeds = []
    for country in (0, 1):
        for user in range(2, n_each):
            row = country * n_each + user
            deeds += [Deed(row, 2 * country + user % 2, float(user % 10)) for _ in range(2)]
        deeds += [Deed(country * n_each + user, 2 * country + user, 20.0) for user in (0, 1)]
    vectors = np.array([[1, 0.1], [1, -0.1], [-1, 0.1], [-1, -0.1]], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return World(history_of(deeds), catalogue_of(4, vectors=vectors), 2 * n_each, 20, 21)


def ndcg_of(world: World, countries: list[str]) -> tuple[float, float]:
    """NDCG@2 of the model alone, and with what attributes say."""
    documents = [{"country": country} for country in countries]
    told = profiles(documents, ones(len(documents)))
    base = InterestScorer("alone", ZeroShot.of(read_preset("shop")), world.catalogue.vectors)
    met = replay(
        world.interactions,
        world.catalogue,
        world.n_users,
        [base, ColdScorer("told", base, told)],
        world.since,
        world.until,
        ks=(2,),
        targets=("new",),
    )
    alone, with_attributes = (
        float(values(met, "new", name, metrics=["ndcg"])["ndcg", 2].mean())
        for name in ("alone", "told")
    )
    return alone, with_attributes


def test_attributes_find_what_a_country_likes() -> None:
    """Trends know nothing here: all items are equally popular."""
    world = two_countries()
    countries = ["France"] * (world.n_users // 2) + ["Spain"] * (world.n_users // 2)
    alone, told = ndcg_of(world, countries)

    assert told >= (1 + 1 / np.log2(3)) / 2 - 1e-6
    assert told > alone + 0.2


def test_attributes_that_say_nothing_change_no_list() -> None:
    world = two_countries()
    alone, told = ndcg_of(world, ["France"] * world.n_users)

    assert told == alone
