import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from worlds import UNKNOWN, Deed, catalogue_of, deeds, history_of

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation import last_fifth
from recsys_tasks.evaluation.top_k import top_k
from recsys_tasks.evaluation.user_days import Segment, UserDays, user_days
from recsys_tasks.interactions import NO_ROW

N_USERS, N_ITEMS, N_DAYS = 5, 6, 12


def pairs_of(truth: UserDays, chosen: NDArray[np.bool_]) -> set[tuple[int, int, int]]:
    """Day, user and item of the chosen relevant items."""
    rows = truth.rows[chosen]
    parts = (truth.days[rows], truth.users[rows], truth.items[chosen])
    return set(zip(*(part.tolist() for part in parts), strict=True))


@given(deeds(N_USERS, N_ITEMS, N_DAYS), st.integers(0, N_DAYS))
def test_the_truth_is_what_the_protocol_says(happened: list[Deed], since: int) -> None:
    """Counted deed by deed, for both targets and each segment."""
    catalogue = catalogue_of(N_ITEMS, since=[UNKNOWN, UNKNOWN, UNKNOWN, 0, 3, 8])
    truth = user_days(history_of(happened), catalogue, N_USERS, since, N_DAYS)
    liked = {
        (int(deed.time), deed.user, deed.item)
        for deed in happened
        if deed.weight > 0 and deed.item != NO_ROW and since <= deed.time < N_DAYS
    }

    def n_before(day: int, user: int) -> int:
        return sum(deed.time < day for deed in happened if deed.user == user)

    def untouched(day: int, user: int, item: int) -> bool:
        return not any(
            deed.time < day for deed in happened if (deed.user, deed.item) == (user, item)
        )

    def new(day: int, item: int) -> bool:
        first = int(catalogue.since[item])
        if first == UNKNOWN:
            taken = (deed for deed in happened if deed.item == item and deed.weight > 0)
            first = min(int(deed.time) for deed in taken if deed.time < day + 1)
        return day - first < 7

    segments: dict[Segment, set[tuple[int, int, int]]] = {
        "all": liked,
        "cold": {pair for pair in liked if n_before(*pair[:2]) == 0},
        "light": {pair for pair in liked if 1 <= n_before(*pair[:2]) <= 4},
        "warm": {pair for pair in liked if n_before(*pair[:2]) >= 5},
        "new_items": {pair for pair in liked if new(pair[0], pair[2])},
        "known_items": {pair for pair in liked if not new(pair[0], pair[2])},
    }
    for segment, expected in segments.items():
        assert pairs_of(truth, truth.relevant("all", segment)) == expected
        first = {pair for pair in expected if untouched(*pair)}
        assert pairs_of(truth, truth.relevant("new", segment)) == first
    assert len(truth) == len({pair[:2] for pair in liked})
    assert len(truth.items) == len(liked)


def test_the_last_fifth_is_whole_days() -> None:
    """Of twenty interactions the seventeenth falls on day 4, and another one that day before it."""
    times = [*(count / 5 for count in range(15)), 4.1, 4.2, 5.0, 5.0, 6.9]

    assert last_fifth(history_of([Deed(0, 0, time) for time in times])) == (4, 7)
    assert last_fifth(history_of([Deed(0, 0, 2.5)])) == (2, 3)
    with pytest.raises(NothingToEvaluate):
        last_fifth(history_of([]))


@given(
    st.lists(
        st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), min_size=7, max_size=7),
        max_size=5,
    ),
    st.integers(1, 9),
)
def test_the_top_k_is_a_stable_sort(rows: list[list[float]], k: int) -> None:
    """Ties in order of item rows, -inf never, short lists padded."""
    scores = np.array(rows, np.float32).reshape(-1, 7)
    order = np.argsort(-scores, axis=1, kind="stable")
    listed = np.where(np.take_along_axis(scores, order, axis=1) == -np.inf, NO_ROW, order)
    expected = np.pad(listed, ((0, 0), (0, 2)), constant_values=NO_ROW)[:, :k]

    np.testing.assert_array_equal(top_k(scores, k), expected)
