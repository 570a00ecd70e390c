"""Training with differential privacy: nobody's part is larger than its bound, or to be found."""

from datetime import date
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from worlds import Deed, catalogue_of, history_of

from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.interactions import Interactions
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.noise import NoiseKey, Release, concentrated
from recsys_tasks.training import TrainingData
from recsys_tasks.training.examples import Examples
from recsys_tasks.training.private import Form, PrivateTraining, descent, learn, learning
from recsys_tasks.training.private.descent import LENGTH, clipped, descend, gradients
from recsys_tasks.training.private.described import Described, described
from recsys_tasks.training.private.reading import Reader
from recsys_tasks.training.private.releasing import GRID, Telling
from recsys_tasks.trends import ToldDays, ToldTrends, Trends

N_ITEMS, N_USERS, DIM, UNTIL = 30, 12, 6, 40
KEY = NoiseKey(b"a secret of the tests")
RELEASE = Release("models", date(1970, 2, 9), "c")
ZERO_SHOT = ZeroShot((2.0, 30.0), (7.0, 5.0), 1.0, (1.0, 7.0), (0.7, 0.3))
PLENTY = 1e9  # of privacy: noise of nothing
NORMAL = NormalDist()


def vectors() -> NDArray[np.float32]:
    drawn = np.random.default_rng(5).normal(size=(N_ITEMS, DIM)).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def deeds(users: range, seed: int = 0) -> list[Deed]:
    """Each takes, every third day or so, to what is like what they had, or to anything."""
    found, near = [], vectors() @ vectors().T
    for user in users:
        random = np.random.default_rng([seed, user])
        item = int(random.integers(N_ITEMS))
        for day in range(int(random.integers(3)), UNTIL, 3):
            likely = np.exp(6 * near[item]) / np.exp(6 * near[item]).sum()
            item = int(random.choice(N_ITEMS, p=likely))
            weight = 1.0 if random.random() < 0.9 else -1.0
            found.append(Deed(user, item, day + float(random.random()), weight))
    return found


def data_of(interactions: Interactions) -> TrainingData:
    catalogue = catalogue_of(N_ITEMS, 0, vectors())
    return TrainingData(
        interactions, catalogue, np.arange(N_ITEMS, dtype=np.int32), vectors(), ZERO_SHOT
    )


def told_days(noise: float = 1.0) -> ToldDays:
    """Of every day and item something, whoever was there."""
    days, items = (part.ravel() for part in np.mgrid[0:UNTIL, 0:N_ITEMS])
    counts = np.random.default_rng(3).poisson(0.5, len(days)) * 2.0
    return ToldDays(
        days.astype(np.int32),
        items.astype(np.int32),
        counts.astype(np.float32),
        np.arange(UNTIL, dtype=np.int32),
        np.full(UNTIL, noise),
    )


def form() -> Form:
    return Form.of(ZERO_SHOT, vectors(), np.ones(N_ITEMS, np.bool_))


def read_of(users: range) -> Described:
    return described(data_of(history_of(deeds(users))), told_days(), UNTIL, form())


def trained(
    users: range, key: NoiseKey = KEY, epsilon: float = 4.0, until: int = UNTIL
) -> PrivateTraining:
    names = [str(user) for user in range(users.stop)]
    data, release = data_of(history_of(deeds(users))), RELEASE
    return learn(
        data,
        told_days(),
        names,
        until,
        ZERO_SHOT,
        key,
        release,
        epsilon=epsilon,
        on_stage=lambda _: None,
    )


@pytest.mark.parametrize(("n_head", "n_drawn"), [(4, 5), (4, N_ITEMS), (N_ITEMS, 5)])
def test_candidates_stand_for_everything_that_could_be_listed(
    n_head: int, n_drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that stands for itself alone has an offset of 0; what was taken always has."""
    whole = read_of(range(N_USERS))
    monkeypatch.setattr("recsys_tasks.training.private.described.HEAD", n_head)
    monkeypatch.setattr("recsys_tasks.training.private.described.DRAWN", n_drawn)
    read = read_of(range(N_USERS))

    assert (read.offsets[read.are_taken] == 0).all()
    n_listed = np.where(read.are_listed, np.exp(read.offsets), 0).sum(axis=1)
    assert n_listed == pytest.approx(whole.are_listed.sum(axis=1), abs=1e-3)
    assert (read.are_taken.sum(axis=1) == whole.are_taken.sum(axis=1)).all()
    if max(n_head, n_drawn) == N_ITEMS:
        found, exact = (gradients(each, form().first()) for each in (read, whole))
        assert found == pytest.approx(exact, abs=1e-4)


def test_told_trends_are_trends_where_there_is_no_noise() -> None:
    past = history_of(deeds(range(N_USERS)))
    liked = past.where(past.weights > 0)
    triples = np.unique(np.column_stack([liked.days, liked.users, liked.items]), axis=0)
    pairs, counts = np.unique(triples[:, [0, 2]], axis=0, return_counts=True)
    told = ToldDays(
        pairs[:, 0].astype(np.int32),
        pairs[:, 1].astype(np.int32),
        counts.astype(np.float32),
        np.arange(UNTIL, dtype=np.int32),
        np.zeros(UNTIL),
    )
    catalogue = catalogue_of(N_ITEMS, 0, vectors())
    with_noise = ToldTrends(catalogue, (1.0, 7.0), told)
    exactly = Trends(catalogue, (1.0, 7.0))

    for day in (3, 4, 20, 7):
        found = with_noise.before(past, day).counts
        np.testing.assert_allclose(found, exactly.before(past.before(day), day).counts, 1e-5, 1e-6)


def test_what_was_told_with_noise_is_drawn_to_its_mean() -> None:
    catalogue = catalogue_of(N_ITEMS, 0, vectors())
    drowned = ToldTrends(catalogue, (7.0,), told_days(noise=1e6)).before(history_of([]), 20)

    np.testing.assert_allclose(drowned.counts, drowned.counts.mean(), rtol=1e-5)
    assert np.isinf(drowned.ages).all()


def test_the_first_parameters_are_the_zero_shot_model() -> None:
    """Scores differ by what does not depend on the item: where the user is centred."""
    data = data_of(history_of(deeds(range(N_USERS))))
    users, past = np.arange(N_USERS, dtype=np.int32), data.interactions.before(30)
    scores = []
    for model in (ZERO_SHOT, form().model(form().first())):
        scorer = InterestScorer("", model.at(data.item_keys), data.vectors)
        scorer.fit(past, data.catalogue, 30)
        scores.append(scorer.scores(past, users, 30))
    gaps = scores[0] - scores[1]

    np.testing.assert_allclose(gaps - gaps.mean(axis=1, keepdims=True), 0, atol=1e-4)


def test_features_times_parameters_are_the_models_scores() -> None:
    asked = form()
    chosen = asked.first() + np.random.default_rng(0).normal(0, 0.3, len(asked.first()))
    data, day = data_of(history_of(deeds(range(N_USERS)))), 30
    users, past = np.arange(N_USERS, dtype=np.int32), data.interactions.before(day)
    reader = Reader(data, told_days(), asked.model(chosen))
    facts = [reader.facts(number) for number in range(day + 1)][-1]
    known = reader.users(past, users, day)
    items = np.tile(np.arange(N_ITEMS), (N_USERS, 1))
    nobody = Examples(users, np.full(N_USERS, day, np.int32), np.zeros(N_USERS + 1, int), items[0])

    scores = reader.scores(past.between(0, 0), nobody, known, facts)
    found = asked.features(known, facts, items) @ chosen.astype(np.float32)

    np.testing.assert_allclose(found, scores, rtol=1e-4, atol=1e-4)


def test_nobody_changes_the_rows_of_others() -> None:
    """To the bit: else rounding would tell, and no bound would hold exactly."""
    fewer, more = read_of(range(N_USERS - 1)), read_of(range(N_USERS))
    n = len(fewer.features)

    np.testing.assert_array_equal(more.features[:n], fewer.features)
    np.testing.assert_array_equal(more.are_listed[:n], fewer.are_listed)
    parameters = form().first()
    np.testing.assert_array_equal(
        gradients(more, parameters)[: len(fewer.starts)], gradients(fewer, parameters)
    )


def test_user_days_are_what_they_should_be() -> None:
    read = read_of(range(N_USERS))

    assert len(read.starts) == N_USERS
    assert (np.diff(np.append(read.starts, len(read.features))) <= 5).all()
    assert read.are_taken.any(axis=1).all()
    assert not (read.are_taken & ~read.are_listed).any()
    assert (read.are_listed.sum(axis=1) <= N_ITEMS).all()


def test_gradients_are_those_of_the_loss() -> None:
    read, at = read_of(range(3)), form().first()

    def loss(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = read.features.astype(np.float64) @ parameters
        scores = np.where(read.are_listed, scores, -np.inf)
        shares = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        of_days = -np.where(read.are_taken, shares, 0).sum(axis=1) / read.are_taken.sum(axis=1)
        ends = np.append(read.starts[1:], len(of_days))
        return np.array([of_days[a:b].mean() for a, b in zip(read.starts, ends, strict=True)])

    step = 1e-4
    for place in range(len(at)):
        moved = np.eye(len(at))[place] * step
        slope = (loss(at + moved) - loss(at - moved)) / (2 * step)
        np.testing.assert_allclose(gradients(read, at)[:, place], slope, atol=2e-3)


@given(arrays.arrays(np.float64, (4, 5), elements=st.floats(-1e6, 1e6)))
def test_no_part_is_longer_than_its_bound(drawn: NDArray[np.float64]) -> None:
    """Lengths of whole numbers, added up without rounding."""
    for row in clipped(drawn).tolist():
        assert sum(step**2 for step in row) <= (LENGTH * GRID) ** 2
    short = drawn / np.maximum(np.linalg.norm(drawn, axis=1, keepdims=True), 1) / 2
    assert np.abs(clipped(short) / GRID - short).max() <= 2 / GRID


def test_without_noise_it_learns_what_is_likely() -> None:
    read, first = read_of(range(N_USERS)), form().first()
    telling = Telling(KEY, RELEASE)
    found = descend(read, first, N_USERS, telling, PLENTY)

    def loss(parameters: NDArray[np.float64]) -> float:
        scores = np.where(read.are_listed, read.features @ parameters.astype(np.float32), -np.inf)
        best = scores.max(axis=1, keepdims=True)
        shares = scores - best - np.log(np.exp(scores - best).sum(axis=1, keepdims=True))
        return float(-shares[read.are_taken].mean())

    assert loss(found) < loss(first) - 0.1


def test_the_same_is_the_same_again_and_costs_what_was_asked() -> None:
    one, again = trained(range(N_USERS)), trained(range(N_USERS))

    assert one.model.fingerprint("e") == again.model.fingerprint("e")
    assert one.verdict == again.verdict
    assert one.spent == again.spent
    assert one.spent.epsilon == pytest.approx(4.0, rel=1e-3)
    assert one.spent.rho == concentrated(4.0, 1e-6)
    assert one.spent.epsilon <= 4.0
    assert 1e-6 < one.spent.delta < 1.1e-6
    assert one.trained_until == UNTIL - UNTIL // 4


def test_parts_cost_the_budget_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    telling = Telling(KEY, RELEASE)
    monkeypatch.setattr(learning, "Telling", lambda *_: telling)

    assert trained(range(N_USERS)).spent.rho == pytest.approx(telling.rho)


def test_other_behaviour_and_other_keys_have_noise_of_their_own() -> None:
    one = trained(range(N_USERS))
    fewer = trained(range(N_USERS - 1))
    other = trained(range(N_USERS), NoiseKey(b"another secret of the tests"))

    assert len({found.spent.content for found in (one, fewer, other)}) == 3
    assert len({found.model.fingerprint("e") for found in (one, fewer, other)}) == 3


def test_what_comes_after_is_not_read() -> None:
    """Days that were not told are not learned from either."""
    with pytest.raises(NothingToEvaluate):
        trained(range(N_USERS), until=2)


def canary(read: Described) -> Described:
    """The same with one user more, whose only day pulls one way as far as it can."""
    features = np.zeros((1, *read.features.shape[1:]), np.float32)
    features[0, 0] = 50.0
    listed = np.zeros((1, read.features.shape[1]), np.bool_)
    listed[0, :2] = True
    taken = np.zeros_like(listed)
    taken[0, 1] = True
    return Described(
        np.concatenate([read.features, features]),
        np.concatenate([read.are_listed, listed]),
        np.concatenate([read.are_taken, taken]),
        np.concatenate([read.offsets, np.zeros(listed.shape, np.float32)]),
        np.append(read.starts, len(read.features)),
    )


def advantage(rho: float, n: int) -> float:
    """How much oftener than wrong an attacker is right who sees the model and knows everybody.

    They know the canary too, which way it pulls, and how far it pulls without noise.
    """
    without, first = read_of(range(N_USERS)), form().first()
    worlds = (without, canary(without))
    quiet = [descend(read, first, N_USERS, Telling(KEY, RELEASE), PLENTY) for read in worlds]
    way, middle = quiet[1] - quiet[0], (quiet[1] + quiet[0]) / 2
    right = 0
    for number in range(n):
        key = NoiseKey(f"key {number}".encode())
        for is_in, read in enumerate(worlds):
            seen = descend(read, first, N_USERS, Telling(key, RELEASE), rho)
            right += bool((seen - middle) @ way > 0) == bool(is_in)
    return right / n - 1


def bound(rho: float) -> float:
    """What Gaussian noise leaves to the best attacker: Dong, Roth and Su (JRSS B 2022)."""
    return 2 * NORMAL.cdf(sqrt(2 * rho) / 2) - 1


@pytest.fixture
def _one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary that pulls one way all the time is told best by one step of all the budget."""
    monkeypatch.setattr(descent, "STEPS", 1)
    monkeypatch.setattr(descent, "AVERAGED", 1.0)


@pytest.mark.usefixtures("_one_step")
@pytest.mark.parametrize("epsilon", [1.0, 4.0])
def test_nobody_can_tell_who_was_learned_from_beyond_the_bound(epsilon: float) -> None:
    n, rho = 1500, concentrated(epsilon, 1e-6)

    found = advantage(rho, n)

    # Two models a key: four standard errors of their mean.
    assert found <= bound(rho) + 4 / sqrt(2 * n)
    # The attack is a good one: the canary is told apart as often as the bound allows.
    assert found >= bound(rho) - 4 / sqrt(2 * n)


@pytest.mark.usefixtures("_one_step")
def test_with_half_the_noise_the_bound_does_not_hold() -> None:
    """So the test above would find out."""
    n, rho = 1500, concentrated(4.0, 1e-6)

    assert advantage(4 * rho, n) > bound(rho) + 4 / sqrt(2 * n)


def test_nor_from_the_steps_of_a_whole_training() -> None:
    n, rho = 60, concentrated(1.0, 1e-6)

    assert advantage(rho, n) <= bound(rho) + 4 / sqrt(2 * n)


def test_without_noise_everybody_can_tell() -> None:
    assert advantage(PLENTY, 10) == 1.0


def test_no_more_users_are_drawn_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST_USERS", 40)
    found = trained(range(120), epsilon=100.0)

    assert 15 <= found.n_users <= 70
