"""What is known of a pair: known answers, and that nobody else changes it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tastes import OPTIONS, Tastes, texts_of
from worlds import Deed, deeds, history_of

from recsys_tasks.cooccurrence import cooccurrence
from recsys_tasks.histories import user_items
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.reranking import FEATURES, Candidates, Evidence, Sides, gather
from recsys_tasks.reranking.describing import Describer, renumbered, unit_texts
from recsys_tasks.training import Fitting

N_USERS, N_ITEMS, DAY = 5, 6, 12
# Places among candidates may change where scores are equal but for rounding.
VALUES = [place for place, name in enumerate(FEATURES) if not name.startswith("log_rank")]


def known_of(happened: list[Deed]) -> tuple[Evidence, Sides, ItemFacts, Interactions]:
    """What the second stage reads of a history before DAY."""
    past = history_of(happened).before(DAY)
    rng = np.random.default_rng(0)
    texts = texts_of(np.arange(N_ITEMS))
    texts[1] = 0
    together = cooccurrence(user_items(past, N_ITEMS))
    sides = Sides(
        rng.normal(size=(N_USERS, 5)).astype(np.float32),
        rng.normal(size=(N_ITEMS, 5)).astype(np.float32),
        3,
    )
    counts = rng.random((N_ITEMS, 6)).astype(np.float32)
    ages = np.array([0, 3, 5000, np.inf, 9, 1], np.float32)
    return Evidence(texts, together), sides, ItemFacts(texts, counts, ages), past


def gathered(happened: list[Deed], absent: NDArray[np.bool_] | None = None) -> Candidates:
    evidence, sides, facts, past = known_of(happened)
    nothing = np.zeros(N_ITEMS, np.bool_) if absent is None else absent
    return gather(evidence, sides, facts, past, DAY, nothing)


def feature(found: Candidates, name: str) -> dict[tuple[int, int], float]:
    """A feature of each pair."""
    values = found.features[:, FEATURES.index(name)].tolist()
    return dict(
        zip(zip(found.users.tolist(), found.items.tolist(), strict=True), values, strict=True)
    )


def test_every_feature_has_a_name_of_its_own() -> None:
    found = gathered([Deed(0, 1, 3.0)])

    assert found.features.shape == (len(found.users), len(FEATURES))
    assert len(set(FEATURES)) == len(FEATURES)


@given(deeds(), st.lists(st.booleans(), min_size=N_ITEMS, max_size=N_ITEMS))
@settings(max_examples=40)
def test_candidates_are_finite_ordered_and_never_what_no_list_may_hold(
    happened: list[Deed], missing: list[bool]
) -> None:
    """Of items that a user touched, only what the user took to."""
    absent = np.array(missing)
    found = gathered(happened, absent)
    past = [deed for deed in happened if deed.time < DAY and deed.item != NO_ROW]
    touched = {(deed.user, deed.item) for deed in past}
    taken = {(deed.user, deed.item) for deed in past if deed.weight > 0}
    pairs = list(zip(found.users.tolist(), found.items.tolist(), strict=True))

    assert np.isfinite(found.features).all()
    assert pairs == sorted(set(pairs))
    assert not absent[found.items].any()
    assert [pair in touched for pair in pairs] == found.are_touched.tolist()
    assert {pair for pair in pairs if pair in touched} == {
        pair for pair in taken if not absent[pair[1]]
    }


@given(deeds())
@settings(max_examples=25)
def test_a_user_alone_is_described_as_among_others(happened: list[Deed]) -> None:
    evidence, sides, facts, past = known_of(happened)
    nothing = np.zeros(N_ITEMS, np.bool_)
    together = gather(evidence, sides, facts, past, DAY, nothing)
    for user in range(N_USERS):
        row = np.array([user], np.int32)
        own = sides._replace(users=sides.users[row])
        alone = gather(evidence, own, facts, renumbered(past, row), DAY, nothing)
        of_user = together.where(together.users == user)

        np.testing.assert_array_equal(alone.items, of_user.items)
        np.testing.assert_allclose(
            alone.features[:, VALUES], of_user.features[:, VALUES], atol=1e-5
        )


def test_what_a_user_had_of_the_very_item() -> None:
    """Decayed counts by days, once a day, and days since; -1 for never."""
    found = gathered([Deed(0, 2, 5.0), Deed(0, 2, 5.5), Deed(0, 2, 11.0), Deed(0, 4, 11.5, -1.0)])

    assert feature(found, "own_7")[0, 2] == pytest.approx(2**-1 + 2 ** (-1 / 7))
    assert feature(found, "own_60")[0, 2] == pytest.approx(2 ** (-7 / 60) + 2 ** (-1 / 60))
    assert feature(found, "days_since_own")[0, 2] == 1
    assert feature(found, "days_since_own")[0, 3] == -1
    assert (0, 4) not in feature(found, "own_7")


def test_how_much_a_user_did_and_how_lately() -> None:
    """What was done is counted whatever its sign; masses are of what was taken to."""
    found = gathered([Deed(1, 0, 9.0), Deed(1, 2, 10.5), Deed(1, 3, 10.75, -1.0)])
    pair, nobody = (1, 4), (3, 4)

    assert feature(found, "log_history")[pair] == pytest.approx(np.log(4))
    assert feature(found, "active_days")[pair] == 2
    assert feature(found, "mass_3")[pair] == pytest.approx(2**-1 + 2 ** (-2 / 3))
    assert feature(found, "days_idle")[pair] == pytest.approx(12 - 10.75)
    assert feature(found, "days_idle")[nobody] == -1
    assert feature(found, "taste_age")[nobody] == -1


def test_what_kind_of_items_a_user_takes_to() -> None:
    """The age that items had when they were taken to, and their trend."""
    happened = [Deed(2, 4, 10.0)]  # item 4 is 9 days old on day 12, so it was 7
    found = gathered(happened)
    facts = known_of(happened)[2]
    trend = np.log(facts.counts[:, 4] + 0.1)

    assert feature(found, "taste_age")[2, 0] == pytest.approx(np.log1p(7))
    assert feature(found, "age_less_taste")[2, 1] == pytest.approx(np.log1p(3) - np.log1p(7))
    assert feature(found, "trend_less_taste")[2, 1] == pytest.approx(trend[1] - trend[4], abs=1e-5)


def test_ages_and_trends_are_the_items() -> None:
    found = gathered([])
    facts = known_of([])[2]
    logs = np.log(facts.counts + 0.1)
    places = np.argsort(np.argsort(-facts.counts[:, 3]))

    assert [feature(found, "age")[0, item] for item in range(N_ITEMS)] == [0, 3, 1000, -1, 9, 1]
    for item in range(N_ITEMS):
        assert feature(found, "log_trend_2")[0, item] == pytest.approx(logs[item, 2], abs=1e-5)
        momentum = logs[item, 1] - logs[item, 3]
        assert feature(found, "momentum_week")[0, item] == pytest.approx(momentum, abs=1e-5)
        rank = feature(found, "log_rank_trend_3")[0, item]
        assert rank == pytest.approx(np.log1p(places[item]))


def test_scores_are_the_first_stages_and_places_those_among_the_candidates() -> None:
    happened = [Deed(0, 2, 5.0), Deed(1, 2, 5.0), Deed(1, 3, 6.0), Deed(2, 3, 6.0)]
    found = gathered(happened)
    _, sides, _, _ = known_of(happened)
    whole = sides.users @ sides.items.T
    own = [item for user, item in feature(found, "first_stage") if user == 0]
    order = sorted(own, key=lambda item: -whole[0, item])

    for place, item in enumerate(order):
        assert feature(found, "first_stage")[0, item] == pytest.approx(whole[0, item], abs=1e-5)
        behind = whole[0, item] - whole[0, order[0]]
        assert feature(found, "behind_best")[0, item] == pytest.approx(behind, abs=1e-5)
        assert feature(found, "log_rank_first_stage")[0, item] == pytest.approx(np.log1p(place))
    assert feature(found, "personal")[0, 2] == pytest.approx(
        sides.users[0, :3] @ sides.items[2, :3], abs=1e-5
    )


def test_what_goes_together_with_a_history_is_its_decayed_sum() -> None:
    """The cosine of items 2 and 3 is 1/2: each was taken to by two users, one of them by both."""
    happened = [Deed(0, 2, 9.0), Deed(1, 2, 5.0), Deed(1, 3, 6.0), Deed(2, 3, 6.0)]
    found = gathered(happened)

    assert feature(found, "cosine_3")[0, 3] == pytest.approx(0.5 * 2**-1)
    assert feature(found, "cosine_14")[0, 3] == pytest.approx(0.5 * 2 ** (-3 / 14))
    assert feature(found, "cosine_3")[4, 3] == 0
    assert feature(found, "ease_60")[0, 3] > 0


def test_likeness_is_the_cosine_with_what_was_liked() -> None:
    found = gathered([Deed(0, 2, 9.0)])
    texts = known_of([])[0].texts

    assert feature(found, "text_2")[0, 4] == pytest.approx(texts[2] @ texts[4], abs=1e-5)
    assert feature(found, "text_2")[0, 1] == 0  # without a text


def test_texts_are_centred_on_what_is_known_and_no_text_stays_none() -> None:
    vectors = texts_of(np.arange(4))
    vectors[2] = 0
    are_known = np.array([True, True, True, False])
    centred = vectors - vectors[:2].mean(axis=0)
    found = unit_texts(vectors, are_known)

    assert not found[2].any()
    for row in (0, 1, 3):
        unit = centred[row] / np.linalg.norm(centred[row])
        np.testing.assert_allclose(found[row], unit, atol=1e-6)


@pytest.fixture(scope="module")
def describer() -> Describer:
    """Over a world of 600 items."""
    data = Tastes(n_items=600).data()
    model = Fitting(data, 20, OPTIONS).model()
    together = cooccurrence(user_items(data.interactions.before(20), 600))
    return Describer(model, together, data.vectors, data.catalogue, 20)


def test_there_are_some_hundred_candidates_a_user_and_always_the_same(describer: Describer) -> None:
    """As many as the sources' quotas at most, whatever the size of the catalogue."""
    past = Tastes(n_items=600).data().interactions.before(20)
    users = np.array([7, 3, 30], np.int32)
    found, scores = describer.candidates(past, users, 20)
    again, _ = describer.candidates(past, users, 20)
    sizes = np.bincount(found.users)

    assert scores.shape == (3, 600)
    assert sizes.min() >= 100
    assert sizes.max() <= 530
    for column, same in zip(found, again, strict=True):
        np.testing.assert_array_equal(column, same)


def test_a_describer_answers_in_the_order_that_it_is_asked(describer: Describer) -> None:
    past = Tastes(n_items=600).data().interactions.before(20)
    forward, first = describer.candidates(past, np.array([7, 3], np.int32), 20)
    backward, second = describer.candidates(past, np.array([3, 7], np.int32), 20)

    np.testing.assert_allclose(first, second[::-1], atol=1e-5)
    for user in (0, 1):
        mine, same = (
            each.where(each.users == place)
            for each, place in ((forward, user), (backward, 1 - user))
        )
        np.testing.assert_array_equal(mine.items, same.items)
        np.testing.assert_allclose(mine.features[:, VALUES], same.features[:, VALUES], atol=1e-5)
