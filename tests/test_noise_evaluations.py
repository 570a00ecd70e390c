"""Evaluations with noise: what one user adds is bounded, and an attacker is held to epsilon.

The attacker knows all other users, what the one in question did and was shown, and so what they add
to every sum; they see all that a night tells, and say whether that user was judged.
"""

from datetime import date
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from served_days import met_on
from worlds import Deed, catalogue_of, deeds, history_of

from recsys_tasks.evaluation import ReadyLists
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.noise import GRID, NoiseKey, Release, scale_for
from recsys_tasks.steps.noised_evaluations import SENSITIVITY, _cells, _sums_by_list
from recsys_tasks.steps.releasing import told

N_USERS, N_ITEMS, DAY = 5, 6, 9
CELLS = _cells(["a", "b"])
NAMES = [repr(cell) for cell in CELLS]
RELEASE = Release("evaluations", date(1970, 1, 10), "c")
N_KEYS = 1000
EXACTLY = 4 / sqrt(2 * N_KEYS)  # four standard errors of the mean of two releases a key
rankings = st.permutations(range(N_ITEMS)).map(lambda ranked: [*ranked[:4], NO_ROW])


def sums_of(done: list[Deed], ranked: list[list[int]]) -> NDArray[np.int64]:
    """Exact sums of every cell; users of odd numbers have lists of the variant b."""
    published = [
        ReadyLists(name, np.arange(first, N_USERS, 2, dtype=np.int32), np.array(lists, np.int32))
        for name, first in (("a", 0), ("b", 1))
        if (lists := ranked[first::2])
    ]
    met = met_on(history_of(done), catalogue_of(N_ITEMS), N_USERS, DAY, published, [])
    sums = _sums_by_list(met, published)
    assert {*sums} <= {*CELLS}
    return np.array([sums.get(cell, 0) for cell in CELLS], np.int64)


@given(
    deeds(N_USERS, N_ITEMS, DAY + 1),
    st.lists(rankings, min_size=N_USERS, max_size=N_USERS),
    st.integers(0, N_USERS - 1),
)
def test_whoever_comes_or_goes_changes_sums_by_the_bound_at_most(
    done: list[Deed], ranked: list[list[int]], user: int
) -> None:
    """The day's others were shown what they were: their lists were published before it."""
    without = sums_of([deed for deed in done if deed.user != user], ranked)

    changed = sums_of(done, ranked) - without

    assert np.abs(changed).sum() <= SENSITIVITY
    assert (changed >= 0).all()


def worlds() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A day without a user, and with them: they took to the best of their list, and so add most."""
    ranked = [[(user + n) % N_ITEMS for n in range(4)] for user in range(N_USERS)]
    others = [Deed(user, (user + 2) % N_ITEMS, DAY + 0.5) for user in range(N_USERS - 1)]
    last = N_USERS - 1
    return sums_of(others, ranked), sums_of([*others, Deed(last, last, DAY + 0.5)], ranked)


def advantage(epsilon: float, n_keys: int = N_KEYS) -> float:
    """How much oftener the likelihood ratio is right than wrong, over draws of the key."""
    both = worlds()
    right = 0.0
    for number in range(n_keys):
        key = NoiseKey(f"key {number}".encode())
        for is_in, exact in enumerate(both):
            seen = told(key, RELEASE, epsilon, SENSITIVITY, NAMES, exact).counts
            ratio = np.abs(seen - both[0]).sum() - np.abs(seen - both[1]).sum()
            right += 0.5 if ratio == 0 else float((ratio > 0) == bool(is_in))
    return right / n_keys - 1


def leaked(epsilon: float) -> float:
    """The same for all keys there could be: by the noise's distribution, without drawing any."""
    gaps = np.abs(worlds()[1] - worlds()[0])
    scale = scale_for(epsilon, SENSITIVITY)
    sizes = np.arange(-int(40 * scale), int(40 * scale) + 1)
    chances = np.exp(-np.abs(sizes) / scale)
    law = np.ones(1)
    for gap in gaps[gaps > 0].tolist():
        ratios = np.abs(sizes + gap) - np.abs(sizes)
        law = np.convolve(law, np.bincount(ratios + gap, chances / chances.sum()))
    middle = len(law) // 2
    return float(law[middle + 1 :].sum() - law[:middle].sum())


def test_the_worst_user_adds_all_that_one_can() -> None:
    without, beside = worlds()

    assert (beside - without).sum() == SENSITIVITY
    assert set((beside - without).tolist()) == {0, GRID}


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 6.0])
def test_nobody_can_tell_who_was_judged_beyond_the_bound(epsilon: float) -> None:
    """The attack is as good as any: it is right as often as the distribution of the noise lets."""
    found = advantage(epsilon)

    assert leaked(epsilon) <= (exp(epsilon) - 1) / (exp(epsilon) + 1)
    assert found == pytest.approx(leaked(epsilon), abs=EXACTLY)


def test_with_half_the_noise_it_would_be_found_out() -> None:
    assert advantage(4.0) > leaked(2.0) + EXACTLY


def test_without_noise_everybody_can_tell() -> None:
    assert advantage(1e4, 50) == 1.0
