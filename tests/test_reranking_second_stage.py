"""The second stage: what it grows from, that its reasons add up, and that items may be moved."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tastes import OPTIONS, Act, Tastes, data_of, texts_of

from recsys_tasks.cooccurrence import cooccurrence
from recsys_tasks.evaluation.user_days import user_days
from recsys_tasks.histories import user_items
from recsys_tasks.reranking import FEATURES, Candidates, Groups, SecondStage, grow
from recsys_tasks.reranking.describing import Describer
from recsys_tasks.training import Fitting, RerankedScorer, Training, TrainingData, train
from recsys_tasks.training.ranked_days import ranked_days

UNTIL, N_ITEMS = 24, 60
BASES = (0.0, 1.0, 0.5)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return Tastes(n_users=25, n_items=N_ITEMS, n_days=UNTIL + 1).data()


@pytest.fixture(scope="module")
def training(data: TrainingData) -> Training:
    return train(data, UNTIL, OPTIONS)


@pytest.fixture(scope="module")
def second(training: Training) -> SecondStage:
    assert training.second_stage is not None
    return training.second_stage


@pytest.fixture(scope="module")
def found(data: TrainingData, training: Training, second: SecondStage) -> Candidates:
    """The candidates of all users on the day."""
    describer = Describer(training.model, second.together, data.vectors, data.catalogue, UNTIL)
    past = data.interactions.before(UNTIL)
    return describer.candidates(past, np.arange(25, dtype=np.int32), UNTIL)[0]


@pytest.mark.parametrize("base", BASES)
def test_contributions_add_up_to_the_score(
    second: SecondStage, found: Candidates, base: float
) -> None:
    """One part a feature, and a constant; the first stage's has what the score starts from."""
    stage = replace(second, base=base)
    parts, scores = stage.contributions(found), stage.scores(found)

    assert parts.shape == (len(scores), len(FEATURES) + 1)
    assert np.ptp(scores) > 0.5
    np.testing.assert_allclose(parts.sum(axis=1), scores, atol=1e-4)
    assert np.ptp(parts[:, -1]) < 1e-6  # the constant


def test_the_base_adds_the_first_stages_score(second: SecondStage, found: Candidates) -> None:
    grown, corrected = (replace(second, base=base).scores(found) for base in (0.0, 1.0))
    first = found.features[:, FEATURES.index("first_stage")]

    np.testing.assert_allclose(corrected - grown, first, atol=1e-4)


def test_without_candidates_there_are_no_scores(second: SecondStage, found: Candidates) -> None:
    nobody = found.where(np.zeros(len(found.users), np.bool_))

    assert second.scores(nobody).shape == (0,)
    assert second.contributions(nobody).shape == (0, len(FEATURES) + 1)


def test_items_in_another_order_speak_for_each_other_as_before(second: SecondStage) -> None:
    """Some left out, and some that it never met."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(N_ITEMS)[:40]
    keys = np.concatenate([second.item_keys[rows], [900, 901]]).astype(np.int32)
    moved = second.at(keys)

    np.testing.assert_array_equal(moved.item_keys, keys)
    for after, before in zip(moved.together, second.together, strict=True):
        expected = np.zeros((42, 42), np.float32)
        expected[:40, :40] = before.toarray()[np.ix_(rows, rows)]
        assert expected.any()
        np.testing.assert_array_equal(after.toarray(), expected)
    back = moved.at(second.item_keys[rows])
    for after, before in zip(back.together, moved.together, strict=True):
        np.testing.assert_array_equal(after.toarray(), before.toarray()[:40, :40])


def test_a_night_of_the_same_items_in_another_order_scores_alike(
    data: TrainingData, training: Training, second: SecondStage
) -> None:
    """Both stages at a permutation of the catalogue: each item keeps its score."""
    order = np.random.default_rng(1).permutation(N_ITEMS)
    happened = data.interactions
    moved = replace(happened, items=np.argsort(order)[happened.items].astype(np.int32))
    catalogue = replace(
        data.catalogue,
        item_ids=tuple(data.catalogue.item_ids[row] for row in order),
        since=data.catalogue.since[order],
        vectors=data.catalogue.vectors[order],
    )
    keys, users = data.item_keys[order], np.arange(25, dtype=np.int32)
    here = RerankedScorer("r", training.model, second, data.vectors)
    there = RerankedScorer("r", training.model.at(keys), second.at(keys), data.vectors[order])
    here.fit(happened.before(UNTIL), data.catalogue, UNTIL)
    there.fit(moved.before(UNTIL), catalogue, UNTIL)

    scores = here.scores(happened.before(UNTIL), users, UNTIL)
    again = there.scores(moved.before(UNTIL), users, UNTIL)
    # Trees cut: where rounding lies on another side of a cut, a score moves.
    assert (np.abs(scores[:, order] - again) < 1e-3).mean() > 0.99


def test_candidates_come_before_all_others_which_keep_the_first_stages_order(
    data: TrainingData, training: Training, second: SecondStage, found: Candidates
) -> None:
    scorer = RerankedScorer("reranked", training.model, second, data.vectors)
    past = data.interactions.before(UNTIL)
    scorer.fit(past, data.catalogue, UNTIL)
    users = np.arange(25, dtype=np.int32)
    scores = scorer.scores(past, users, UNTIL)
    describer = Describer(training.model, second.together, data.vectors, data.catalogue, UNTIL)
    _, first = describer.candidates(past, users, UNTIL)
    is_candidate = np.zeros(scores.shape, np.bool_)
    is_candidate[found.users, found.items] = True

    np.testing.assert_allclose(scores[is_candidate], second.scores(found), atol=1e-5)
    for user in users:
        rest = np.flatnonzero(~is_candidate[user])
        assert scores[user, is_candidate[user]].min() > scores[user, rest].max(initial=-np.inf)
        ordered = rest[np.argsort(-first[user, rest])]
        assert (np.diff(scores[user, ordered]) <= 0).all()


def made_groups(days: NDArray[np.int32], told_by: str, size: int = 20) -> Groups:
    """One hit a group, which is the candidate with the largest value of one feature."""
    rng = np.random.default_rng(0)
    n = len(days)
    features = rng.normal(size=(n, size, len(FEATURES))).astype(np.float32)
    labels = np.zeros((n, size), np.int8)
    best = features[:, :, FEATURES.index(told_by)].argmax(axis=1)
    labels[np.arange(n), best] = 1
    return Groups(features.reshape(n * size, -1), labels.ravel(), np.full(n, size, np.intp), days)


def hits_of(grown_trees: tuple[str, ...], base: float, groups: Groups) -> float:
    """The share of groups whose hit comes first."""
    nothing = cooccurrence(user_items(data_of([], texts_of(np.arange(2))).interactions, 2))
    stage = SecondStage(grown_trees, base, np.arange(2, dtype=np.int32), nothing)
    n, c = len(groups.sizes), len(groups.labels)
    rows = np.repeat(np.arange(n), groups.sizes)
    found = Candidates(rows, np.zeros(c, np.intp), np.zeros(c, np.bool_), groups.features)
    scores = stage.scores(found).reshape(n, -1)
    return float((scores.argmax(axis=1) == groups.labels.reshape(n, -1).argmax(axis=1)).mean())


@pytest.mark.parametrize("told_by", ["momentum_week", "first_stage"])
def test_what_tells_is_found(told_by: str) -> None:
    groups = made_groups(np.repeat(np.arange(10, dtype=np.int32), 40), told_by)
    grown = grow(groups, 0)

    assert hits_of(grown.trees, grown.base, groups) > 0.8
    assert len(grown.trees) == 2
    assert grown.base == 0.75


def test_equal_seeds_grow_equal_trees() -> None:
    groups = made_groups(np.repeat(np.arange(5, dtype=np.int32), 20), "age")

    assert grow(groups, 3) == grow(groups, 3)


@pytest.mark.parametrize("n_first", [1, 95, 99])
def test_the_first_day_is_learned_from_however_many_groups_are_of_it(n_first: int) -> None:
    """Of two days; the last one says when to stop."""
    days = np.repeat(np.array([3, 4], np.int32), [n_first, 100 - n_first])

    assert all("Tree=0" in text for text in grow(made_groups(days, "age"), 0).trees)


def test_a_user_day_becomes_a_group_for_each_way_to_ask() -> None:
    """Everything; what was never touched, where something is repeated; what existed before."""
    happened = [Act(u, (u + d) % 10, d + 0.5) for d in range(8) for u in range(6)]
    happened += [Act(0, 3, 8.5), Act(0, 9, 8.75), Act(1, 10, 8.5), Act(2, 11, 8.5, weight=-1.0)]
    since = np.zeros(12, np.int32)
    since[[10, 11]] = 8, 6
    data = data_of(happened, texts_of(np.arange(12)), since)
    model = Fitting(data, 8, OPTIONS).model()
    together = cooccurrence(user_items(data.interactions.before(8), 12))
    describer = Describer(model, together, data.vectors, data.catalogue, 8)
    asked = user_days(data.interactions, data.catalogue, 6, 8, 9)
    assert asked.users.tolist() == [0, 1]

    groups = ranked_days(describer, data.interactions, asked, 12)
    ends = np.cumsum(groups.sizes)
    hits = [int(labels.sum()) for labels in np.split(groups.labels, ends[:-1])]
    ages = np.split(groups.features[:, FEATURES.index("age")], ends[:-1])
    own = np.split(groups.features[:, FEATURES.index("days_since_own")], ends[:-1])

    # User 0: all (3 again, 9 new), what is new to the user, what existed the day before.
    # User 1: all; no repeat; item 10 is of the very day, so no group of what existed before.
    assert hits == [2, 1, 1, 1]
    assert groups.days.tolist() == [8] * 4
    assert [bool((age == 0).any()) for age in ages] == [True, True, True, False]
    assert [bool((days > 0).any()) for days in own] == [True, True, False, False]


def test_no_user_day_becomes_no_group(data: TrainingData, training: Training) -> None:
    assert training.second_stage is not None
    describer = Describer(
        training.model, training.second_stage.together, data.vectors, data.catalogue, UNTIL
    )
    asked = user_days(data.interactions, data.catalogue, 25, UNTIL + 5, UNTIL + 6)
    groups = ranked_days(describer, data.interactions, asked, N_ITEMS)

    assert len(groups.sizes) == len(groups.labels) == 0
    assert groups.features.shape == (0, len(FEATURES))
