"""The second stage's scores are the sums of their parts, down to single interactions."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from models import learned_of
from numpy.typing import NDArray
from worlds import Deed, history_of

from recsys_tasks.cooccurrence import cooccurrence
from recsys_tasks.decay import retention
from recsys_tasks.explaining import (
    EVERYONE,
    HABITS,
    INTERACTION,
    NEW,
    TOGETHER,
    TREND,
    Explained,
    FirstStage,
    Parts,
    Reranked,
    SecondStageParts,
    contributions_of,
    explain,
    put_together,
)
from recsys_tasks.explaining import splitting as rule
from recsys_tasks.histories import once_a_day, user_items
from recsys_tasks.interactions import NO_ROW, Interactions
from recsys_tasks.interest_model import ItemFacts, Learned, UserFacts
from recsys_tasks.interest_scorer import state_of
from recsys_tasks.ranking import Lists
from recsys_tasks.reranking import (
    FEATURES,
    Candidates,
    Evidence,
    Groups,
    SecondStage,
    Sides,
    gather,
    grow,
)
from recsys_tasks.reranking.describing import unit_texts

N_USERS, N_ITEMS, DIM, DAYS = 30, 24, 4, range(10, 24)
USERS = np.arange(N_USERS, dtype=np.int32)
TREND_HALF_LIVES = (0.5, 1.0, 3.0, 7.0, 14.0, 60.0)


def first_model() -> Learned:
    """A learned model with as many trends as the second stage reads."""
    rng = np.random.default_rng(3)
    n_features = 2 * len(TREND_HALF_LIVES) + 3
    return replace(
        learned_of(range(N_ITEMS), DIM),
        trend_half_lives=TREND_HALF_LIVES,
        tau=rng.uniform(0, 0.2, n_features).astype(np.float32),
        tau_by_mass=rng.uniform(-0.02, 0.02, n_features).astype(np.float32),
    ).at(np.arange(N_ITEMS, dtype=np.int32))


class Night(NamedTuple):
    """A world as a night's second stage sees it: candidates for `day`, and what they come from."""

    day: int
    past: Interactions
    vectors: NDArray[np.float32]
    evidence: Evidence
    sides: Sides
    users: UserFacts
    candidates: Candidates

    @classmethod
    def before(cls, day: int, happened: Interactions, vectors: NDArray[np.float32]) -> "Night":
        """The night before a day."""
        model, past = first_model(), happened.before(day)
        state = state_of(model.weigh(past), USERS, model.inputs(vectors), model.half_lives, day - 1)
        users = UserFacts(model.interests(state, np.zeros(DIM, np.float32)), state.masses)
        taken = once_a_day(past)
        left = retention(day - taken.days, TREND_HALF_LIVES)
        counts = np.stack([np.bincount(taken.items, by, N_ITEMS) for by in left.T], axis=1)
        ages = np.linspace(1, 40, N_ITEMS, dtype=np.float32)
        facts = ItemFacts(vectors[:N_ITEMS], counts.astype(np.float32), ages)
        sides = Sides(model.user_side(users), model.item_side(facts), model.rank(DIM))
        texts = unit_texts(vectors[:N_ITEMS], np.ones(N_ITEMS, np.bool_))
        evidence = Evidence(texts, cooccurrence(user_items(happened.before(DAYS[0]), N_ITEMS)))
        found = gather(evidence, sides, facts, past, day, np.zeros(N_ITEMS, np.bool_))
        return cls(day, past, vectors, evidence, sides, users, found)

    def stage(self, length: int = 400) -> FirstStage:
        """The first stage, to be explained."""
        centre = np.zeros(DIM, np.float32)
        return FirstStage.of(
            *(first_model(), self.sides, self.users, centre, self.day - 1, self.past),
            *(self.vectors, length),
        )


@cache
def world() -> tuple[Interactions, NDArray[np.float32]]:
    """Users of two tastes, who also return things, search, and come back to what they had."""
    rng = np.random.default_rng(0)
    deeds = [
        Deed(user, int(item), float(day) + rng.uniform(), float(rng.choice([1, 1, 2, 0.25, -1])))
        for user in range(N_USERS)
        for day in sorted(rng.choice(26, 9, replace=False))
        for item in (rng.integers(0, N_ITEMS // 2, 3) * 2 + user % 2)
    ]
    happened = history_of(deeds)
    searched = rng.random(len(happened)) < 0.1
    texts = np.where(searched, rng.integers(N_ITEMS, N_ITEMS + 5, len(happened)), NO_ROW)
    happened = replace(
        happened,
        items=np.where(searched, NO_ROW, happened.items).astype(np.int32),
        texts=texts.astype(np.int32),
        text_weights=np.where(searched, 1, 0).astype(np.float32),
    )
    return happened, rng.normal(size=(N_ITEMS + 5, DIM)).astype(np.float32)


def groups() -> Iterator[Groups]:
    """Candidates of each day, with what was taken then."""
    happened, vectors = world()
    for day in DAYS:
        found = Night.before(day, happened, vectors).candidates
        taken = once_a_day(happened.between(day, day + 1))
        pairs = taken.users * N_ITEMS + taken.items
        labels = np.isin(found.users * N_ITEMS + found.items, pairs)
        sizes = np.bincount(found.users, minlength=N_USERS)
        yield Groups(found.features, labels.astype(np.int8), sizes, np.full(N_USERS, day, np.int32))


@cache
def grown(base: float) -> SecondStage:
    """Trees that LightGBM grew on the world's days, over the first stage's scores times a base."""
    columns = zip(*groups(), strict=True)
    trees, *_ = grow(Groups(*(np.concatenate(column) for column in columns)), seed=0)
    together = cooccurrence(user_items(world()[0].before(DAYS[0]), N_ITEMS))
    return SecondStage(trees, base, np.arange(N_ITEMS, dtype=np.int32), together)


class Listed(NamedTuple):
    """All candidates of a night as lists, NO_ROW at the end, and what the second stage says."""

    lists: Lists
    reranked: Reranked


def listed(night: Night, base: float = 1) -> Listed:
    """The candidates of every user, best first."""
    stage, found = grown(base), night.candidates
    scores = stage.scores(found)
    order = np.lexsort((-scores, found.users))
    starts = np.searchsorted(found.users, found.users)
    at = (found.users, np.arange(len(order)) - starts)
    shape = (N_USERS, int(np.bincount(found.users).max()))
    lists = Lists(np.full(shape, NO_ROW, np.int32), np.full(shape, -np.inf, np.float32))
    lists.rows[at], lists.scores[at] = found.items[order], scores[order]
    rows = np.arange(N_ITEMS, dtype=np.int32)
    given = contributions_of(stage, found, lists.rows)
    return Listed(lists, Reranked(*given, base, night.evidence, rows))


def parts_of(night: Night, ranked: Listed, length: int = 400) -> Parts:
    """Of every entry."""
    stage = night.stage(length)
    users, rows = np.arange(N_USERS), ranked.lists.rows
    first = stage.parts(users, rows, int(stage.lengths.max()))
    return SecondStageParts(stage, ranked.reranked).parts(users, rows, first)


@pytest.mark.parametrize("length", [400, 5])
@pytest.mark.parametrize(("day", "base"), [(20, 0.0), (23, 1.0), (26, 0.5)])
def test_the_parts_add_up_to_the_second_stages_score(day: int, base: float, length: int) -> None:
    """To 1e-4, before and after they are put together, however much of the past is told apart."""
    night = Night.before(day, *world())
    ranked = listed(night, base)
    is_there = ranked.lists.rows != NO_ROW
    assert ranked.reranked.contributions.any(axis=(0, 1)).sum() > 10  # features that matter

    parts = parts_of(night, ranked, length)
    summed = put_together(parts.grounds, parts.parts)

    for each in (parts.parts, summed):
        total = each.sum(axis=-1)[is_there]
        np.testing.assert_allclose(total, ranked.lists.scores[is_there], rtol=1e-4, atol=1e-4)


def assert_alike(some: Explained, other: Explained) -> None:
    """The same reasons; parts may be added up in another order."""
    for one, two in zip(some, other, strict=True):
        np.testing.assert_array_equal(one.kinds, two.kinds)
        np.testing.assert_array_equal(one.items, two.items)
        np.testing.assert_array_equal(one.details, two.details)
        np.testing.assert_array_equal(one.days, two.days)
        np.testing.assert_allclose(one.parts, two.parts, atol=1e-5)


def test_reasons_are_of_all_kinds_and_the_same_in_any_batches() -> None:
    night = Night.before(23, *world())
    ranked = listed(night)

    told = explain(ranked.lists, night.stage(), ranked.reranked)
    again = explain(ranked.lists, night.stage(), ranked.reranked, batch_size=7)

    assert_alike(told, again)
    np.testing.assert_array_equal(told.most.parts, again.most.parts)  # to the bit
    kinds = set(told.most.kinds.ravel().tolist())
    assert {INTERACTION, TREND, TOGETHER} <= kinds
    assert (told.most.parts[..., 1:] >= 0).all()
    assert (np.diff(told.most.parts[..., 1:]) <= 0).all()
    np.testing.assert_array_equal(told.most.parts[..., 0], told.first.parts[:, :10])


def test_what_it_did_not_rank_is_explained_by_the_first_stage() -> None:
    night = Night.before(23, *world())
    ranked = listed(night)
    plain = explain(ranked.lists, night.stage())
    nothing = ranked.reranked._replace(are_ranked=np.zeros_like(ranked.reranked.are_ranked))

    told = explain(ranked.lists, night.stage(), nothing)

    assert_alike(told, plain)


def test_entries_find_their_contributions() -> None:
    """Of candidates in any places of a list; what was no candidate has none."""
    night, stage = Night.before(23, *world()), grown(1)
    found = night.candidates
    rows = np.tile(np.arange(N_ITEMS, dtype=np.int32)[::-1], (N_USERS, 1))
    rows[:, 3] = NO_ROW
    expected = np.zeros((N_USERS, N_ITEMS, len(FEATURES) + 1), np.float32)
    expected[found.users, found.items] = stage.contributions(found)

    given, are_ranked = contributions_of(stage, found, rows)

    asked = np.where(rows[..., None] == NO_ROW, 0, expected[np.arange(N_USERS)[:, None], rows])
    np.testing.assert_allclose(given, asked, atol=1e-6)
    np.testing.assert_array_equal(are_ranked, asked.any(axis=-1))


def test_every_feature_belongs_somewhere_once() -> None:
    by_span = (rule.COSINE, rule.EASE, rule.LIKENESS, rule.VERY_ITEM)
    split = [name for groups in by_span for names in groups.values() for name in names]
    named = [*rule.FIRST_STAGE, *rule.PERSONAL, *split, *rule.TRENDS, *rule.AGE, *rule.HABIT]

    assert sorted(named) == sorted(FEATURES)


def only(name: str, night: Night) -> Parts:
    """The parts of scores in which a single feature gives 1 to every entry."""
    rows = np.tile(np.arange(N_ITEMS, dtype=np.int32), (N_USERS, 1))
    contributions = np.zeros((*rows.shape, len(FEATURES) + 1), np.float32)
    contributions[..., FEATURES.index(name)] = 1
    stage = night.stage()
    users = np.arange(N_USERS)
    first = stage.parts(users, rows, int(stage.lengths.max()))
    are_ranked = np.ones(rows.shape, np.bool_)
    reranked = Reranked(contributions, are_ranked, 0, night.evidence, rows[0])
    return SecondStageParts(stage, reranked).parts(users, rows, first)


@pytest.mark.parametrize(
    ("name", "kind", "details"),
    [
        ("log_trend_0", TREND, 1),
        ("log_trend_3", TREND, 7),
        ("momentum_month", TREND, 7),
        ("log_trend_5", TREND, 30),
        ("age", NEW, 0),
        ("days_idle", HABITS, 0),
        ("trend_less_taste", HABITS, 0),
    ],
)
def test_what_no_interaction_explains_belongs_to_its_kind(
    name: str, kind: int, details: int
) -> None:
    parts = only(name, Night.before(23, *world()))

    chosen = (parts.grounds.kinds[0] == kind) & (parts.grounds.details[0] == details)
    np.testing.assert_allclose(parts.parts[..., chosen].sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["cosine_14", "log_rank_cosine", "cosine_60"])
def test_cooccurrence_is_split_by_what_speaks_for_the_item(name: str) -> None:
    """Each day with item X by 2^(-days / h) * cosine(X, item), as the feature sums it."""
    night = Night.before(23, *world())
    span = 60 if name == "cosine_60" else 14
    cosine = night.evidence.together.cosine.toarray()
    taken = once_a_day(night.past)

    parts = only(name, night)
    summed = put_together(parts.grounds, parts.parts)

    for user in range(0, N_USERS, 7):
        own = taken.users == user
        left = np.exp2(-(night.day - taken.days[own]) / span)
        values = np.zeros((N_ITEMS, N_ITEMS))  # by X, for each item
        np.add.at(values, taken.items[own], left[:, None] * cosine[taken.items[own]])
        are_ours = parts.grounds.kinds[user] == TOGETHER
        found = np.zeros((N_ITEMS, N_ITEMS))
        np.add.at(found, parts.grounds.items[user, are_ours], summed[user][:, are_ours].T)
        total = values.sum(axis=0)
        expected = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        nobody = summed[user][:, parts.grounds.kinds[user] == EVERYONE].sum(axis=-1)
        np.testing.assert_allclose(nobody, total == 0, atol=1e-4)


def test_what_the_user_had_of_the_very_item_is_told_by_its_days() -> None:
    night = Night.before(23, *world())
    taken = once_a_day(night.past)

    parts = only("own_60", night)
    summed = put_together(parts.grounds, parts.parts)

    for user, item in [(0, 0), (1, 3), (5, 7)]:
        days = taken.days[(taken.users == user) & (taken.items == item)]
        left = np.exp2(-(night.day - days) / 60)
        had = (parts.grounds.kinds[user] == INTERACTION) & (summed[user, item] != 0)
        assert set(parts.grounds.items[user, had]) <= {item}
        by_day = dict(zip(parts.grounds.days[user, had], summed[user, item, had], strict=True))
        expected = dict(zip(days, left / max(left.sum(), 1e-9), strict=True))
        assert by_day == pytest.approx(expected, abs=1e-5)


values = hnp.arrays(np.float32, st.integers(1, 8), elements=st.integers(-64, 64).map(float))


@given(values)
def test_shares_add_up_unless_values_are_against_each_other(
    given_values: NDArray[np.float32],
) -> None:
    """Then they fade, and none is larger than 2."""
    total, size = given_values.sum(), np.abs(given_values).sum()

    found = rule.shares(given_values)

    assert (np.abs(found) <= 2 + 1e-5).all()
    if abs(total) >= size / 2 > 0:
        np.testing.assert_allclose(found, given_values / total, rtol=1e-5)
    else:
        assert found.sum() == pytest.approx(4 * total**2 / size**2 if size else 0, abs=1e-5)
