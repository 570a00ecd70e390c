"""Variants: a place for every user, and places for every variant."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks.variants import PLACES, Decay, Spans, Variant, allot, place_of

names = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, int]:
    """Numbers of places that some variants want, at most all together."""
    cuts = sorted(draw(st.lists(st.integers(0, PLACES), min_size=4, max_size=4)))
    sizes = np.diff([0, *cuts]).tolist()
    chosen = draw(st.sets(names))
    wanted = {name: max(size, 1) for name, size in zip("abcd", sizes, strict=True)}
    return {
        name: n for name, n in wanted.items() if name in chosen and sum(wanted.values()) <= PLACES
    }


def size(spans: Spans) -> int:
    return sum(until - since for since, until in spans)


def overlap(one: Spans, other: Spans) -> int:
    return sum(
        max(0, min(until, end) - max(since, start)) for since, until in one for start, end in other
    )


def moved(before: Mapping[str, Spans], after: Mapping[str, Spans]) -> int:
    """Places whose variant, or default, is another one."""
    kept = sum(overlap(spans, after.get(name, ())) for name, spans in before.items())
    n_before = sum(map(size, before.values()))
    n_after = sum(map(size, after.values()))
    either = (
        n_before
        + n_after
        - sum(overlap(one, other) for one in before.values() for other in after.values())
    )
    return either - kept


def test_places_are_uniform_and_independent_of_another_salt() -> None:
    """Chi-square of a 10 by 10 table of 20,000 users: below the 99.9% quantile of 99 freedoms."""
    n = 20_000
    pairs = Counter(
        (place_of("1", f"user {u}") * 10 // PLACES, place_of("2", f"user {u}") * 10 // PLACES)
        for u in range(n)
    )
    expected = n / 100
    assert sum((pairs[i, j] - expected) ** 2 / expected for i in range(10) for j in range(10)) < 149


@given(st.text(), st.text())
def test_a_place_is_stable_and_on_the_line(salt: str, user_id: str) -> None:
    place = place_of(salt, user_id)
    assert 0 <= place < PLACES
    assert place == place_of(salt, user_id)


@given(wishes(), wishes())
def test_everybody_gets_what_is_wanted_and_nobody_what_another_has(
    first: dict[str, int], second: dict[str, int]
) -> None:
    allotted = allot(second, allot(first, {}))
    spans = sorted(span for spans in allotted.values() for span in spans)

    assert {name: size(spans) for name, spans in allotted.items()} == second
    assert all(0 <= since < until <= PLACES for since, until in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


@given(wishes(), wishes())
def test_a_share_that_grows_or_shrinks_is_nested(
    first: dict[str, int], second: dict[str, int]
) -> None:
    """The smaller share's users are all among those of the larger one."""
    before = allot(first, {})
    after = allot(second, before)
    for name in first.keys() & second.keys():
        assert overlap(before[name], after[name]) == min(first[name], second[name])


@given(wishes(), wishes())
def test_no_more_users_move_than_must(first: dict[str, int], second: dict[str, int]) -> None:
    """Of the default, too: each that moves leaves a share that shrinks or joins one that grows."""
    before = allot(first, {})
    after = allot(second, before)
    change = [second.get(name, 0) - first.get(name, 0) for name in "abcd"]
    gained, lost = (sum(n for n in change if n > 0), -sum(n for n in change if n < 0))
    assert max(gained, lost) <= moved(before, after) <= gained + lost


@given(wishes())
def test_a_variant_that_is_added_or_removed_leaves_the_others_alone(
    wanted: dict[str, int],
) -> None:
    before = allot(wanted, {})
    assert allot(wanted, before) == before
    room = PLACES - sum(wanted.values())
    if room:
        after = allot({**wanted, "new": room}, before)
        assert {name: after[name] for name in wanted} == before
        assert allot(wanted, after) == before


@pytest.mark.parametrize(
    ("decay", "meant"),
    [
        ("learned", None),
        ("none", Decay()),
        ("half-life 14 days", Decay(half_life=14)),
        ("half-life 0.5 days", Decay(half_life=0.5)),
        ("half-life 1 day", Decay(half_life=1)),
        ("alpha 0.5", Decay(alpha=0.5)),
        ("alpha 0", Decay(alpha=0)),
    ],
)
def test_decay_in_words(decay: str, meant: Decay | None) -> None:
    assert Variant(share=0.1, decay=decay).own_decay == meant
