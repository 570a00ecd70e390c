"""One pass of the first stage over its examples, and the second stage's work for a night's users.

Beside the pass, the same with every history padded to the longest of its batch, as sequence models
have it; the floor is the products of interests and items, forward and back. Beside the second
stage, the same user by user; the floor is LightGBM alone, on features that are there.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.measuring import Measure
from recsys_tasks.cooccurrence import cooccurrence
from recsys_tasks.evaluation.user_days import user_days
from recsys_tasks.histories import user_items
from recsys_tasks.interactions import ALWAYS, NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import Learned, ZeroShot
from recsys_tasks.presets import read_preset
from recsys_tasks.reranking import SecondStage, grow
from recsys_tasks.reranking.describing import Describer
from recsys_tasks.training import Fitting, RerankedScorer, TrainingData, TrainingOptions
from recsys_tasks.training.network import Batch, Network
from recsys_tasks.training.ranked_days import ranked_days

N_USERS, N_DAYS, DIM, D = 1_000, 60, 128, 48
SIZES = (2_000, 10_000)  # items
EACH_DAY = 1_500  # interactions
ASKED = 256  # users of the second stage
USERS = np.arange(ASKED, dtype=np.int32)
ALONE = 16  # of them are asked for alone


class World(NamedTuple):
    """A made history, and a model of it."""

    data: TrainingData
    options: TrainingOptions
    model: Learned
    second: SecondStage

    @property
    def n_items(self) -> int:
        """Of the catalogue."""
        return len(self.data.catalogue)


@pytest.fixture(scope="module", params=SIZES)
def world(request: pytest.FixtureRequest) -> World:
    """Users with tastes in ten directions, who take to what is near and popular."""
    n_items, rng = request.param, np.random.default_rng(0)
    topics = rng.normal(size=(10, DIM))
    vectors = topics[rng.integers(0, 10, n_items)] + rng.normal(size=(n_items, DIM))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    n = EACH_DAY * N_DAYS
    popular = rng.zipf(1.3, n) % n_items
    interactions = Interactions(
        users=rng.integers(0, N_USERS, n).astype(np.int32),
        items=popular.astype(np.int32),
        times=np.sort(rng.uniform(0, N_DAYS, n)),
        weights=np.ones(n, np.float32),
        texts=np.full(n, NO_ROW, np.int32),
        text_weights=np.zeros(n, np.float32),
        types=np.ones(n, np.int16),
    )
    catalogue = Catalogue(
        tuple(map(str, range(n_items))), np.full(n_items, ALWAYS, np.int32), vectors
    )
    keys = np.arange(n_items, dtype=np.int32)
    zero_shot = ZeroShot.of(read_preset("shop"))
    data = TrainingData(interactions, catalogue, keys, vectors, zero_shot)
    options = TrainingOptions(dim=D, device="cpu")
    model = next(Fitting(data, N_DAYS - 10, options).passes(1))
    together = cooccurrence(user_items(interactions.before(N_DAYS - 10), n_items))
    describer = Describer(model, together, vectors, catalogue, N_DAYS - 10)
    days = user_days(interactions, catalogue, N_USERS, N_DAYS - 10, N_DAYS)
    groups = ranked_days(describer, interactions, days.take(np.arange(0, len(days), 8)), n_items)
    grown = grow(groups, seed=0)
    return World(data, options, model, SecondStage(grown.trees, grown.base, keys, together))


class Padded(Network):
    """The network with histories padded to the longest of the batch."""

    def users(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Interests and masses, as `Network` has them."""
        lengths = torch.bincount(batch.owners, minlength=len(batch.offsets))
        shape = (len(lengths), int(lengths.max()))
        places = torch.arange(len(batch.owners)) - batch.offsets[batch.owners]
        rows, ages = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape)
        gains = self.log_gains.exp().flatten()[batch.gains]
        rows[batch.owners, places] = batch.rows
        ages[batch.owners, places] = batch.ages
        signed = torch.zeros(shape).index_put((batch.owners, places), batch.weights * gains)
        vectors = self.inputs()[rows]
        prior_mass = self.log_prior_mass.exp()
        interests, masses = [], []
        for h, log_half_life in enumerate(self.log_half_lives):
            aged = signed * torch.exp2(-ages / log_half_life.exp())
            mass = aged.abs().sum(dim=1)
            total = (aged[..., None] * vectors).sum(dim=1) + prior_mass * self.prior[h]
            interests.append(self.scales[h] * total / (mass + prior_mass)[:, None])
            masses.append(mass)
        return torch.cat(interests, dim=1), torch.stack(masses, dim=1)


def contest_of_a_pass(world: World) -> tuple[str, int]:
    """What competes, and over how many user-days."""
    n = Fitting(world.data, N_DAYS, world.options).n_examples
    return f"one pass, {n:,} user-days, {world.n_items:,} items", n


def a_pass(world: World) -> Learned:
    """All ways see the same examples, in the same batches."""
    return next(Fitting(world.data, N_DAYS, world.options).passes(1))


def test_a_pass(world: World, measure: Measure) -> None:
    contest, n = contest_of_a_pass(world)
    learned = measure(contest, "training", n, lambda: a_pass(world))

    assert np.isfinite(learned.scales).all()


def test_a_pass_over_padded_histories(
    world: World, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest, n = contest_of_a_pass(world)
    ours = a_pass(world)
    monkeypatch.setattr("recsys_tasks.training.fitting.Network", Padded)

    padded = measure(contest, "histories padded", n, lambda: a_pass(world))

    np.testing.assert_allclose(ours.half_lives, padded.half_lives, rtol=0.05)


def test_products_alone(world: World, measure: Measure) -> None:
    contest, n = contest_of_a_pass(world)
    measure(contest, "floor: products alone", n, lambda: products(n, world.n_items))


def products(n: int, n_items: int) -> None:
    """Interests times items, forward and back, for n user-days."""
    rank = 3 * D
    items = torch.randn(n_items, rank, requires_grad=True)
    for start in range(0, n, 256):
        interests = torch.randn(min(256, n - start), rank, requires_grad=True)
        for _ in ("texts", "ids"):
            torch.autograd.backward((interests @ items.T).sum())


Ask = Callable[[NDArray[np.int32]], NDArray[np.float32]]


@pytest.fixture
def ask(world: World) -> Ask:
    """Scores of some users by the second stage."""
    scorer = RerankedScorer("reranked", world.model, world.second, world.data.vectors)
    scorer.fit(world.data.interactions, world.data.catalogue, N_DAYS)
    return lambda users: scorer.scores(world.data.interactions, users, N_DAYS)


def contest_of_the_second_stage(world: World) -> str:
    """What competes."""
    return f"second stage, {ASKED} users, {world.n_items:,} items"


def test_the_second_stage(world: World, measure: Measure, ask: Ask) -> None:
    contest = contest_of_the_second_stage(world)
    scores = measure(contest, "in a batch", ASKED, lambda: ask(USERS))

    assert np.isfinite(scores).all()


def test_the_second_stage_user_by_user(world: World, measure: Measure, ask: Ask) -> None:
    def one_by_one() -> NDArray[np.float32]:
        return np.concatenate([ask(USERS[row : row + 1]) for row in range(ALONE)])

    contest = contest_of_the_second_stage(world)
    alone = measure(contest, "user by user", ALONE, one_by_one)

    together = ask(USERS)[:ALONE]
    best = together.argmax(axis=1)
    np.testing.assert_allclose(
        together.max(axis=1), alone[np.arange(ALONE), best], rtol=1e-3, atol=1e-3
    )


def test_lightgbm_alone(world: World, measure: Measure) -> None:
    data, together = world.data, world.second.together
    describer = Describer(world.model, together, data.vectors, data.catalogue, N_DAYS)
    found, _ = describer.candidates(data.interactions, USERS, N_DAYS)
    note = f"{len(found.users) / ASKED:.0f} candidates a user"
    contest = contest_of_the_second_stage(world)
    way = "floor: LightGBM alone"
    measure(contest, way, ASKED, lambda: world.second.scores(found), besides=note)
