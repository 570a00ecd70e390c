"""What validation decides, and that it decides it as the protocol would."""

import numpy as np
import pytest
from models import learned_of
from tastes import OPTIONS, Act, Tastes, data_of, texts_of

from recsys_tasks.evaluation.baselines import Popular
from recsys_tasks.interest_model import Learned
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.training import Fitting, TrainingData
from recsys_tasks.training.choosing import STRENGTHS, Mix, MixScorer, Parts, Trial, mixed, mixes

SINCE, UNTIL = 20, 28


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return Tastes(n_users=25, n_items=60, n_days=UNTIL).data()


@pytest.fixture(scope="module")
def model(data: TrainingData) -> Learned:
    return list(Fitting(data, SINCE, OPTIONS).passes(2))[-1]


@pytest.fixture
def trial(data: TrainingData) -> Trial:
    return Trial(data.interactions, data.catalogue, SINCE, UNTIL)


def scorer_of(data: TrainingData, model: Learned) -> InterestScorer:
    return InterestScorer("interest", model, data.vectors)


def test_what_is_tried_first_is_what_was_learned_and_trends_alone_are_among_it(
    model: Learned,
) -> None:
    tried = mixes(model)

    assert tried[0] == Mix(1.0, None)
    assert mixed(model, tried[0]).fingerprint("") == model.fingerprint("")
    assert len(set(tried)) == (len(model.trend_half_lives) + 1) * len(STRENGTHS)
    assert {Mix(0.0, k) for k in range(len(model.trend_half_lives))} <= set(tried)


def test_a_mix_is_scored_as_the_mixed_model_scores(data: TrainingData, model: Learned) -> None:
    """Both parts are computed once for all mixes."""
    parts = Parts(scorer_of(data, model))
    users = np.arange(9, dtype=np.int32)
    for day in (SINCE, SINCE + 3):
        past = data.interactions.before(day)
        parts.fit(past, data.catalogue, day)
        for mix in mixes(model)[::3]:
            whole = scorer_of(data, mixed(model, mix))
            whole.fit(past, data.catalogue, day)
            expected = whole.scores(past, users, day)
            found = MixScorer(parts, mix).scores(past, users, day)
            np.testing.assert_allclose(found, expected, atol=2e-4)


def test_trends_alone_order_as_decayed_popularity_does(data: TrainingData, model: Learned) -> None:
    """With strength 0 the score is the logarithm of one trend, whoever asks."""
    place = model.trend_half_lives.index(7.0)
    trends, popular = scorer_of(data, mixed(model, Mix(0.0, place))), Popular(7)
    past, users = data.interactions.before(SINCE), np.arange(3, dtype=np.int32)
    for scorer in (trends, popular):
        scorer.fit(past, data.catalogue, SINCE)
    found, counts = (scorer.scores(past, users, SINCE) for scorer in (trends, popular))

    order = np.argsort(-counts[0], kind="stable")
    assert (np.diff(found[:, order], axis=1) <= 1e-6).all()
    assert np.ptp(found, axis=0).max() < 1e-6


def test_the_best_mix_is_the_best_on_the_trials_days(
    data: TrainingData, model: Learned, trial: Trial
) -> None:
    best = trial.mix(model, scorer_of(data, model))
    values = [trial.ndcg([scorer_of(data, mixed(model, mix))])["interest"] for mix in mixes(model)]

    assert values[mixes(model).index(best)] == pytest.approx(max(values), abs=1e-6)


def test_interests_are_left_out_where_they_are_noise() -> None:
    """Everyone takes to what is new, and a model's numbers are random."""
    acts = [Act(user, day - user % 2, day + 0.5) for day in range(1, UNTIL) for user in range(20)]
    data = data_of(acts, texts_of(np.arange(UNTIL + 1)))
    model = learned_of(list(range(UNTIL + 1)), data.vectors.shape[1], strength=-20.0)
    mix = Trial(data.interactions, data.catalogue, SINCE, UNTIL).mix(model, scorer_of(data, model))

    assert mix.strength == 0


def test_a_trial_without_a_user_day_has_no_values(data: TrainingData) -> None:
    """And of equals the first mix is the best."""
    empty = Trial(data.interactions, data.catalogue, UNTIL + 1, UNTIL + 9)
    model = learned_of(list(range(60)), data.vectors.shape[1])

    assert empty.ndcg([Popular()]) == {}
    assert empty.mix(model, scorer_of(data, model)) == Mix(1.0, None)


def test_a_trial_where_nobody_took_to_anything_new_has_no_values() -> None:
    acts = [Act(0, 0, day + 0.5) for day in range(9)]
    data = data_of(acts, texts_of(np.arange(3)))

    assert Trial(data.interactions, data.catalogue, 5, 9).ndcg([Popular()]) == {}
