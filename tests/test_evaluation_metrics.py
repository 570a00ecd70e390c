from collections.abc import Callable

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, P, R, SetF, Success, nDCG
from numpy.typing import NDArray
from sklearn.metrics import log_loss, recall_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity

from recsys_tasks.evaluation.metrics import (
    METRICS,
    auc,
    average_precision,
    coverage,
    debiased_recall,
    diversity,
    f1,
    hit_rate,
    mrr,
    ndcg,
    novelty,
    precision,
    recall,
    wins,
)

N_LISTS, N_ITEMS, K = 60, 40, 10
OfHits = Callable[[NDArray[np.bool_], NDArray[np.int32]], NDArray[np.float64]]


@pytest.fixture(scope="module")
def ranked() -> NDArray[np.int32]:
    """Random lists."""
    rng = np.random.default_rng(1)
    order = rng.permuted(np.tile(np.arange(N_ITEMS, dtype=np.int32), (N_LISTS, 1)), axis=1)
    return np.asarray(order[:, :K], np.int32)


@pytest.fixture(scope="module")
def relevant() -> NDArray[np.bool_]:
    """Which items are relevant for each list: from 1 to more than k."""
    rng = np.random.default_rng(2)
    found = rng.random((N_LISTS, N_ITEMS)) < rng.random((N_LISTS, 1)) * 0.6
    found[:, 0] = True
    return found


@pytest.fixture(scope="module")
def hits(ranked: NDArray[np.int32], relevant: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.take_along_axis(relevant, ranked, axis=1)


@pytest.fixture(scope="module")
def n_relevant(relevant: NDArray[np.bool_]) -> NDArray[np.int32]:
    counts: NDArray[np.int32] = relevant.sum(axis=1).astype(np.int32)
    assert (counts < K).any()
    assert (counts > K).any()
    return counts


def judged_by_ir_measures(
    measure: ir_measures.measures.Measure,
    ranked: NDArray[np.int32],
    relevant: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The value of each list."""
    qrels = [
        ir_measures.Qrel(str(row), str(item), 1)
        for row, item in zip(*relevant.nonzero(), strict=True)
    ]
    run = [
        ir_measures.ScoredDoc(str(row), str(item), float(K - rank))
        for row, items in enumerate(ranked)
        for rank, item in enumerate(items)
    ]
    values = np.full(len(ranked), np.nan)
    for found in ir_measures.iter_calc([measure], qrels, run):
        values[int(found.query_id)] = found.value
    return values


@pytest.mark.parametrize(
    ("metric", "measure"),
    [(ndcg, nDCG @ K), (precision, P @ K), (mrr, RR @ K), (hit_rate, Success @ K)],
)
def test_a_metric_is_the_one_of_ir_measures(
    metric: OfHits,
    measure: ir_measures.measures.Measure,
    ranked: NDArray[np.int32],
    relevant: NDArray[np.bool_],
    hits: NDArray[np.bool_],
    n_relevant: NDArray[np.int32],
) -> None:
    expected = judged_by_ir_measures(measure, ranked, relevant)

    np.testing.assert_allclose(metric(hits, n_relevant), expected, atol=1e-6)


@pytest.mark.parametrize(("metric", "measure"), [(recall, R @ K), (average_precision, AP @ K)])
def test_a_metric_is_the_one_of_ir_measures_over_min_k_relevant(
    metric: OfHits,
    measure: ir_measures.measures.Measure,
    ranked: NDArray[np.int32],
    relevant: NDArray[np.bool_],
    hits: NDArray[np.bool_],
    n_relevant: NDArray[np.int32],
) -> None:
    """trec_eval divides by all that is relevant, the protocol by min(k, relevant)."""
    expected = judged_by_ir_measures(measure, ranked, relevant)
    expected *= n_relevant / np.minimum(n_relevant, K)

    np.testing.assert_allclose(metric(hits, n_relevant), expected, atol=1e-6)


@pytest.mark.parametrize("metric", [ndcg, recall, precision, f1, hit_rate, mrr, average_precision])
def test_a_metric_is_nan_where_nothing_is_relevant_and_else_within_0_and_1(
    metric: OfHits, hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]
) -> None:
    values = metric(hits, n_relevant)
    undefined = metric(np.zeros((2, K), np.bool_), np.array([0, 1], np.int32))

    assert ((values >= 0) & (values <= 1)).all()
    np.testing.assert_array_equal(undefined, [np.nan, 0])
    assert metric(np.zeros((0, K), np.bool_), np.zeros(0, np.int32)).shape == (0,)


@pytest.mark.parametrize("metric", [ndcg, recall, f1, hit_rate, mrr, average_precision])
def test_the_ideal_list_scores_1(metric: OfHits) -> None:
    """Whether fewer or more than k items are relevant; F1 needs k of them."""
    n_relevant = np.array([K, K + 5] if metric is f1 else [2, K, K + 5], np.int32)
    hits = np.arange(K) < n_relevant[:, None]

    np.testing.assert_allclose(metric(hits, n_relevant), 1)


def test_f1_is_the_one_of_ir_measures_over_min_k_relevant(
    ranked: NDArray[np.int32],
    relevant: NDArray[np.bool_],
    hits: NDArray[np.bool_],
    n_relevant: NDArray[np.int32],
) -> None:
    """2h / (k + relevant) in trec_eval, 2h / (k + min(k, relevant)) in the protocol."""
    expected = judged_by_ir_measures(SetF, ranked, relevant)
    expected *= (K + n_relevant) / (K + np.minimum(K, n_relevant))

    np.testing.assert_allclose(f1(hits, n_relevant), expected, atol=1e-6)


def test_auc_is_the_one_of_scikit_learn_over_the_candidates() -> None:
    """With many ties, items that are no candidates, and relevant items among those."""
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 6, (N_LISTS, N_ITEMS)).astype(np.float32)
    absent = rng.random(scores.shape) < 0.2
    relevant = ~absent & (rng.random(scores.shape) < 0.3)
    relevant[:, 0], absent[:, 0] = True, False
    rows, items = (part.astype(np.int32) for part in relevant.nonzero())

    won = wins(np.where(absent, np.nan, scores), rows, items)

    expected = [
        roc_auc_score(truth[there], of[there])
        for truth, of, there in zip(relevant, scores, ~absent, strict=True)
    ]
    np.testing.assert_allclose(auc(won, rows, N_LISTS), expected, atol=1e-6)


def test_a_relevant_item_that_is_no_candidate_beats_nothing() -> None:
    scores = np.array([[np.nan, 1, 2]], np.float32)

    assert wins(scores, np.array([0], np.int32), np.array([0], np.int32)).tolist() == [0.0]


def test_auc_is_nan_where_it_is_undefined() -> None:
    """Nothing relevant, everything relevant, a candidate kept out of the ranking."""
    scores = np.array([[1, 2], [1, 2], [1, -np.inf]], np.float32)
    rows, items = np.array([1, 1, 2], np.int32), np.array([0, 1, 0], np.int32)

    assert np.isnan(auc(wins(scores, rows, items), rows, 3)).all()


def test_debiased_recall_is_the_weighted_one_of_scikit_learn(
    ranked: NDArray[np.int32], relevant: NDArray[np.bool_], hits: NDArray[np.bool_]
) -> None:
    """Where no more than k are relevant, so that all of them could be hit."""
    popularity = np.random.default_rng(5).integers(0, 50, N_ITEMS).astype(np.float32)
    of_relevant = np.sort(np.where(relevant, popularity, np.inf), axis=1)[:, :K]
    values = debiased_recall(hits, popularity[ranked], of_relevant.astype(np.float32))
    few = np.flatnonzero(relevant.sum(axis=1) <= K)
    assert len(few) > 5

    for row in few:
        listed = np.isin(np.arange(N_ITEMS), ranked[row])
        expected = recall_score(relevant[row], listed, sample_weight=1 / (1 + popularity))
        assert values[row] == pytest.approx(expected, abs=1e-6)


def test_debiased_recall_is_recall_where_all_are_equally_popular(
    hits: NDArray[np.bool_], n_relevant: NDArray[np.int32]
) -> None:
    popularity = np.full(hits.shape, 7, np.float32)
    least = np.where(np.arange(K) < n_relevant[:, None], 7, np.inf).astype(np.float32)

    values = debiased_recall(hits, popularity, least)

    np.testing.assert_allclose(values, recall(hits, n_relevant))


def test_debiased_recall_weighs_a_hit_by_one_over_popularity() -> None:
    """Relevant are an item met 3 times and one met 9 times; k is 2."""
    least = np.array([[3, 9]] * 3, np.float32)
    popularity = np.array([[3, 9]] * 3, np.float32)
    hits = np.array([[True, True], [True, False], [False, True]])

    values = debiased_recall(hits, popularity, least)

    np.testing.assert_allclose(values, [1, (1 / 4) / (1 / 4 + 1 / 10), (1 / 10) / (1 / 4 + 1 / 10)])


def test_novelty_is_the_log_loss_of_scikit_learn_in_bits(ranked: NDArray[np.int32]) -> None:
    """Of a forecast that gives each listed item its smoothed share of all interactions."""
    popularity = np.random.default_rng(6).integers(0, 50, N_ITEMS).astype(np.float32)
    total = np.full(len(ranked), popularity.sum(), np.float32)
    values = novelty(ranked >= 0, popularity[ranked], total, N_ITEMS)
    shares = (1 + popularity) / (N_ITEMS + popularity.sum())

    for items, value in zip(ranked, values, strict=True):
        expected = log_loss(np.ones(K), shares[items].astype(np.float64), labels=[0, 1])
        assert value == pytest.approx(expected / np.log(2), abs=1e-6)


def test_novelty_is_the_mean_surprise_of_the_listed() -> None:
    listed = np.array([[True, True], [True, False], [False, False]])
    popularity = np.array([[0, 3], [3, 0], [0, 0]], np.float32)
    total = np.array([12, 12, 12], np.float32)

    values = novelty(listed, popularity, total, n_items=4)

    np.testing.assert_allclose(values, [-(np.log2(1 / 16) + np.log2(4 / 16)) / 2, 2, np.nan])


def test_diversity_is_one_less_the_mean_cosine_of_pairs(ranked: NDArray[np.int32]) -> None:
    """The cosines of scikit-learn, in batches of any size; items without a vector left out."""
    vectors = np.random.default_rng(4).normal(size=(N_ITEMS, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[:6] = 0
    pairs = np.triu_indices(K, 1)
    cosines = cosine_similarity(vectors)
    expected = []
    for items in ranked:
        both = (items[pairs[0]] >= 6) & (items[pairs[1]] >= 6)
        expected.append(1 - cosines[items[pairs[0]], items[pairs[1]]][both].mean())

    for batch_size in (1, 7, N_LISTS, 10 * N_LISTS):
        values = diversity(ranked, vectors.astype(np.float32), batch_size=batch_size)

        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_diversity_needs_two_vectors() -> None:
    vectors = np.array([[1, 0], [0, 0]], np.float32)

    assert np.isnan(diversity(np.array([[0, 1], [0, -1], [-1, -1]], np.int32), vectors)).all()


def test_coverage_is_the_recall_of_scikit_learn_over_the_catalogue(
    ranked: NDArray[np.int32],
) -> None:
    for n in (1, 3, 20):
        listed = np.isin(np.arange(N_ITEMS), ranked[:n])
        expected = recall_score(np.ones(N_ITEMS), listed)
        assert coverage(ranked[:n], N_ITEMS).item() == pytest.approx(expected)


def test_coverage_is_a_share_of_what_could_be_listed(ranked: NDArray[np.int32]) -> None:
    assert coverage(ranked[:1], N_ITEMS).item() == K / N_ITEMS
    assert np.isnan(coverage(ranked[:0], 0))


def test_names_are_those_of_the_protocol() -> None:
    names = (
        "ndcg recall precision f1 hit_rate mrr map auc coverage novelty diversity debiased_recall"
    )

    assert list(METRICS) == names.split()
    assert [name for name, metric in METRICS.items() if not metric.at_k] == ["auc"]
    assert [name for name, metric in METRICS.items() if metric.pooled] == ["coverage"]
