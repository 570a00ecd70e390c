"""The network computes what the night does: one function, by three roads."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer
from tastes import OPTIONS, ZERO_SHOT, Act, data_of, texts_of
from worlds import UNKNOWN

from recsys_tasks.decay import fold, seen_from, zero
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import Learned, UserFacts, deltas
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.training import Fitting, TrainingData, TrainingOptions
from recsys_tasks.training.fitting import TREND_HALF_LIVES
from recsys_tasks.training.network import Network
from recsys_tasks.trends import Trends

N_USERS, N_ITEMS, N_TEXTS, N_DAYS = 5, 8, 3, 20

acts = st.lists(
    st.builds(
        Act,
        user=st.integers(0, N_USERS - 1),
        item=st.integers(NO_ROW, N_ITEMS - 1),
        time=st.integers(0, 4 * N_DAYS - 1).map(lambda quarter: quarter / 4),
        weight=st.sampled_from([1.0, 2.0, -1.0, 0.25, 0.0]),
        kind=st.integers(1, 3),
        text=st.sampled_from([NO_ROW, NO_ROW, *range(N_TEXTS)]),
    ),
    min_size=1,
    max_size=60,
)


def small_world(happened: Sequence[Act]) -> TrainingData:
    """Items with and without a text, some of which appear late; texts with and without a vector."""
    vectors = texts_of(np.arange(N_ITEMS + N_TEXTS))
    vectors[[1, N_ITEMS + 1]] = 0
    since = np.full(N_ITEMS, UNKNOWN)
    since[[2, 3]] = 0, N_DAYS // 2
    return data_of(happened, vectors[:N_ITEMS], since, vectors[N_ITEMS:])


def scramble(network: Network, seed: int) -> None:
    """Other parameters than those of the start, half-lives in any order among them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
        network.log_half_lives[:] = torch.tensor([3.2, 0.7])  # the longer one first


def by_network(fitting: Fitting, data: TrainingData) -> NDArray[np.float32]:
    """Scores of all examples."""
    trends = Trends(data.catalogue, TREND_HALF_LIVES)
    found = fitting.scores(0, fitting.n_examples, trends)
    assert found.requires_grad
    return np.asarray(found.detach().numpy(), np.float32)


def by_inference(
    model: Learned, data: TrainingData, users: NDArray[np.int32], day: int
) -> NDArray[np.float32]:
    """Scores of users on a day, from the whole past at once."""
    scorer = InterestScorer("interest", model, data.vectors)
    past = data.interactions.before(day)
    scorer.fit(past, data.catalogue, day)
    return scorer.scores(past, users, day)


def by_recurrence(
    model: Learned, data: TrainingData, users: NDArray[np.int32], day: int
) -> NDArray[np.float32]:
    """Scores of users on a day, from daily deltas folded day by day."""
    past = data.interactions.before(day)
    brought = deltas(model.weigh(past), model.inputs(data.vectors), model.half_lives)
    n_users = int(max(past.users.max(initial=0), users.max())) + 1
    start = zero(n_users, len(model.half_lives), model.width(0), -1)
    state, _ = fold(start, brought.users.astype(np.intp), brought.added, model.half_lives)
    asked = seen_from(state.at(users.astype(np.intp)), day - 1, model.half_lives)
    interests = model.interests(asked, np.zeros(0, np.float32))
    items = Trends(data.catalogue, model.trend_half_lives).before(past, day)
    return model.user_side(UserFacts(interests, asked.masses)) @ model.item_side(items).T


@given(acts, st.integers(0, 100))
@settings(max_examples=40)
def test_the_network_is_inference_and_both_are_the_recurrence(
    happened: list[Act], seed: int
) -> None:
    data = small_world(happened)
    fitting = Fitting(data, N_DAYS, OPTIONS)
    scramble(fitting._network, seed)
    fitting._network.eval()
    model = fitting.model()
    examples = fitting._read.examples
    scores = by_network(fitting, data) if len(examples) else np.zeros((0, N_ITEMS))

    assert model.half_lives == tuple(sorted(model.half_lives))
    for day in np.unique(examples.days):
        there, exist = examples.days == day, data.catalogue.since <= day
        users = examples.users[there]
        inferred = by_inference(model, data, users, int(day))
        recurred = by_recurrence(model, data, users, int(day))
        np.testing.assert_allclose(inferred, recurred, atol=1e-4)
        np.testing.assert_allclose(scores[there][:, exist], inferred[:, exist], atol=1e-4)


def test_the_network_starts_from_text_alone() -> None:
    """Before anything is learned, projections are the principal components of the texts."""
    data = small_world([Act(0, 0, 0.5), Act(0, 4, 1.5), Act(1, 0, 3.5)])
    fitting = Fitting(data, N_DAYS, replace(OPTIONS, dim=6))
    model = fitting.model()
    likeness = model.p_in @ model.p_out[:, : model.p_in.shape[1]].T
    centred = data.vectors[[0, 4]] - model.centre

    np.testing.assert_allclose(centred @ likeness @ centred.T, centred @ centred.T, atol=1e-5)
    assert model.half_lives == pytest.approx(ZERO_SHOT.half_lives)
    assert (model.type_gains == 1).all()


def test_who_is_in_a_batch_changes_nobodys_scores() -> None:
    data = small_world([
        Act(u, (u * 3 + d) % N_ITEMS, d + u / 8) for u in range(5) for d in range(9)
    ])
    fitting = Fitting(data, N_DAYS, OPTIONS)
    fitting._network.eval()
    whole = by_network(fitting, data)

    for size in (1, 3, fitting.n_examples):
        trends = Trends(data.catalogue, TREND_HALF_LIVES)
        parts = [
            fitting.scores(start, min(start + size, fitting.n_examples), trends).detach().numpy()
            for start in range(0, fitting.n_examples, size)
        ]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


def real_shop(folder: Path) -> TrainingData:
    """A year of a shop: purchases and returns, titles as hashed words."""
    items = pd.read_csv(folder / "items.csv.xz", dtype={"item_id": str}).sort_values("item_id")
    events = pd.read_csv(folder / "events.csv.xz", dtype={"item_id": str, "user_id": str})
    times = pd.to_datetime(events["occurred_at"]).dt.tz_localize(None)
    order = np.argsort(times, kind="stable")
    events = events.iloc[order]
    is_return = (events["event_type"] == "return").to_numpy()
    words = HashingVectorizer(n_features=64).transform(items["title"].fillna(""))
    vectors = np.asarray(words.toarray(), np.float32)
    n = len(events)
    interactions = Interactions(
        users=pd.factorize(events["user_id"], sort=True)[0].astype(np.int32),
        items=np.searchsorted(items["item_id"], events["item_id"]).astype(np.int32),
        times=times.iloc[order].to_numpy("M8[s]").astype(np.float64) / 86_400,
        weights=np.where(is_return, -1, 1).astype(np.float32),
        texts=np.full(n, NO_ROW, np.int32),
        text_weights=np.zeros(n, np.float32),
        types=np.where(is_return, 2, 1).astype(np.int16),
    )
    catalogue = Catalogue(tuple(items["item_id"]), np.full(len(items), UNKNOWN), vectors)
    keys = np.arange(len(items), dtype=np.int32)
    return TrainingData(interactions, catalogue, keys, vectors, ZERO_SHOT)


@pytest.mark.slow
def test_on_a_real_shop_the_trained_night_is_the_trained_network(shared_data: Path) -> None:
    """After one pass, over a year, for users of one interaction as of thousands."""
    data = real_shop(shared_data / "online-retail")
    until = int(data.interactions.days[-1])
    options = TrainingOptions(device="cpu", dim=8, n_components=16, most_history=10_000)
    fitting = Fitting(data, until, options)
    (model,) = fitting.passes(1)
    examples = fitting._read.examples
    sizes = (fitting._read.ends - fitting._read.begins)[-600:]
    assert sizes.min() <= 1
    assert sizes.max() > 2000
    asked = len(examples) - 600
    scores = fitting.scores(asked, len(examples), Trends(data.catalogue, TREND_HALF_LIVES))
    places = np.arange(asked, len(examples))

    for day in np.unique(examples.days[places]):
        there = places[examples.days[places] == day]
        users = examples.users[there]
        recurred = by_recurrence(model, data, users, int(day))
        inferred = by_inference(model, data, users, int(day))
        np.testing.assert_allclose(inferred, recurred, atol=1e-4)
        trained = scores[there - asked].detach().numpy()
        np.testing.assert_allclose(trained, recurred, atol=1e-4)
