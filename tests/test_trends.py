"""What is known of items whoever the user is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import UNKNOWN, Deed, catalogue_of, deeds, history_of

from recsys_tasks.interactions import NEVER, NO_ROW
from recsys_tasks.interest_model import ItemFacts
from recsys_tasks.trends import Trends

HALF_LIVES = (0.5, 7.0, 365.0)
N_ITEMS = 6
SINCE = np.array([UNKNOWN, UNKNOWN, 0, 5, 9, NEVER])
days = st.integers(0, 14)


def facts_on(happened: list[Deed], day: int) -> ItemFacts:
    """What is known without any day before."""
    trends = Trends(catalogue_of(N_ITEMS, SINCE), HALF_LIVES)
    return trends.before(history_of(happened).before(day), day)


def taken_before(happened: list[Deed], day: int) -> set[tuple[int, int, int]]:
    """User, item and day of what was taken to."""
    return {
        (deed.user, deed.item, int(deed.time))
        for deed in happened
        if deed.time < day and deed.item != NO_ROW and deed.weight > 0
    }


@given(deeds(), days)
def test_counts_are_decayed_sums_seen_from_the_end_of_the_night(
    happened: list[Deed], day: int
) -> None:
    """A user and an item count once a day; the night's own day counts in full."""
    expected = np.zeros((N_ITEMS, len(HALF_LIVES)))
    for _, item, on in taken_before(happened, day):
        expected[item] += np.exp2(-(day - 1 - on) / np.array(HALF_LIVES))

    np.testing.assert_allclose(facts_on(happened, day).counts, expected, rtol=1e-5, atol=1e-7)


@given(deeds(), days)
def test_an_item_is_as_old_as_the_catalogue_says_or_as_it_was_first_taken_to(
    happened: list[Deed], day: int
) -> None:
    """And as old as nothing where neither is known, as in the night."""
    taken = taken_before(happened, day)
    expected = []
    for item, since in enumerate(SINCE.tolist()):
        first = min((on for _, of, on in taken if of == item), default=None)
        began = first if since == UNKNOWN else since
        expected.append(np.inf if began is None else max(day - began, 0))

    assert facts_on(happened, day).ages.tolist() == expected


@given(deeds(), st.lists(days, min_size=1, max_size=6))
def test_days_asked_one_by_one_are_days_asked_at_once(
    happened: list[Deed], asked: list[int]
) -> None:
    """In any order: an earlier day starts anew."""
    trends = Trends(catalogue_of(N_ITEMS, SINCE), HALF_LIVES)
    for day in asked:
        found = trends.before(history_of(happened).before(day), day)
        expected = facts_on(happened, day)

        np.testing.assert_allclose(found.counts, expected.counts, rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(found.ages, expected.ages)


def test_facts_stay_as_they_were_when_days_go_on() -> None:
    history = history_of([Deed(0, 0, 1.0), Deed(1, 0, 2.0), Deed(2, 1, 2.0)])
    trends = Trends(catalogue_of(N_ITEMS, SINCE), HALF_LIVES)
    before = trends.before(history.before(2), 2)
    counts, ages = before.counts.copy(), before.ages.copy()
    trends.before(history.before(3), 3)

    np.testing.assert_array_equal(before.counts, counts)
    np.testing.assert_array_equal(before.ages, ages)


@pytest.mark.parametrize("day", [0, 30])
def test_without_a_past_counts_are_zero(day: int) -> None:
    assert not facts_on([], day).counts.any()
