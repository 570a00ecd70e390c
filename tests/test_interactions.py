from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import N_DAYS, History, histories
from worlds import Deed, catalogue_of, history_of

from recsys_tasks.interactions import NO_ROW, date_of, day_number, rows_of

days = st.integers(-2, N_DAYS + 2)


@given(st.dates())
def test_dates_are_counted_from_1970(day: date) -> None:
    assert date_of(day_number(day)) == day
    assert day_number(date(1970, 1, 1)) == 0
    assert day_number(date(2000, 1, 1)) == 10957


@given(st.lists(st.integers(-9, 9), unique=True), st.lists(st.integers(-9, 9)))
def test_rows_of_finds_keys_in_any_order(keys: list[int], wanted: list[int]) -> None:
    rows, found = rows_of(np.array(keys, np.int32), np.array(wanted, np.int32))

    assert found.tolist() == [key in keys for key in wanted]
    assert rows[found].tolist() == [keys.index(key) for key in wanted if key in keys]


@given(histories(), days, days)
def test_between_is_half_open(history: History, since: int, until: int) -> None:
    happened = history.interactions

    chosen = happened.between(since, max(since, until))

    expected = happened.where((happened.days >= since) & (happened.days < max(since, until)))
    np.testing.assert_array_equal(chosen.times, expected.times)
    np.testing.assert_array_equal(chosen.users, expected.users)


@given(histories(), days)
def test_what_precedes_a_day_and_the_rest_are_everything(history: History, day: int) -> None:
    happened = history.interactions

    past, rest = happened.before(day), happened.between(day, N_DAYS)

    assert (past.days < day).all()
    np.testing.assert_array_equal(np.append(past.items, rest.items), happened.items)


def test_a_stretch_of_days_is_a_view() -> None:
    happened = history_of([Deed(0, 0, 0.5), Deed(0, 1, 1.5)])

    assert np.shares_memory(happened.between(0, 1).weights, happened.weights)
    assert np.shares_memory(happened.before(1).texts, happened.texts)


@pytest.mark.parametrize(("time", "day"), [(0.0, 0), (0.999, 0), (1.0, 1), (-0.25, -1)])
def test_a_day_lasts_until_midnight(time: float, day: int) -> None:
    assert history_of([Deed(0, 0, time)]).days.tolist() == [day]


def test_where_keeps_the_order_and_every_column() -> None:
    happened = history_of([Deed(0, 2, 1.0), Deed(1, NO_ROW, 2.0, -1.0), Deed(0, 1, 3.0, 2.0)])

    chosen = happened.where(happened.users == 0)

    assert len(chosen) == 2
    assert chosen.items.tolist() == [2, 1]
    assert chosen.weights.tolist() == [1.0, 2.0]
    assert chosen.texts.tolist() == [NO_ROW, NO_ROW]


def test_a_catalogue_is_as_long_as_its_items() -> None:
    assert len(catalogue_of(3)) == 3
