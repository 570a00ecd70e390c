from dataclasses import replace

import numpy as np
import pytest
from served_days import met_on
from worlds import Deed, World, catalogue_of, checkerboard, drifting_popularity, history_of

from recsys_tasks.evaluation import (
    METRICS,
    SEGMENTS,
    Difference,
    Evaluation,
    ReadyLists,
    Replay,
    Scorer,
    differences,
    replay,
    summarise,
    summarise_served,
)
from recsys_tasks.evaluation.baselines import Popular, item_knn
from recsys_tasks.evaluation.intervals import difference
from recsys_tasks.evaluation.judging import judge
from recsys_tasks.evaluation.metrics import ndcg
from recsys_tasks.interactions import NO_ROW, Interactions

Found = dict[tuple[str, str, str, str, int | None], Evaluation]


def met_in(world: World, *scorers: Scorer) -> Replay:
    return replay(*world[:3], scorers, world.since, world.until, ks=(1, 4))


def by_grain(rows: list[Evaluation]) -> Found:
    found = {(row.variant, row.target, row.segment, row.metric, row.k): row for row in rows}
    assert len(found) == len(rows)
    return found


def ready(name: str, users: list[int], ranked: list[list[int]]) -> ReadyLists:
    return ReadyLists(
        name,
        np.array(users, np.int32),
        np.array(ranked, np.int32).reshape(len(users), len(ranked[0]) if ranked else 0),
    )


def judged_on(
    history: Interactions,
    n_users: int,
    published: list[ReadyLists],
    baselines: list[Popular],
) -> Found:
    """What day 5 says of lists and of baselines, among four items."""
    catalogue = catalogue_of(4)
    met = met_on(history, catalogue, n_users, 5, published, baselines)
    names = [scorer.name for scorer in baselines]
    rows = summarise(met.among(met.user_days.users, names))
    return by_grain([*summarise_served(met, published), *rows])


def test_every_metric_has_a_row_for_each_variant_target_k_and_segment_that_is_not_empty() -> None:
    """In the checkerboard everybody is light, and no item is new."""
    rows = summarise(met_in(checkerboard(), item_knn(), Popular(3)))

    grains = by_grain(rows)
    expected = {
        (variant, target, segment, name, k)
        for variant in ("item_knn", "decayed_popular_3")
        for target in ("new", "all")
        for segment in ("all", "light", "known_items")
        for name, metric in METRICS.items()
        for k in ((1, 4) if metric.at_k else (None,))
    }
    assert grains.keys() == expected
    assert {row.night for row in rows} == {20}
    assert {row.n for row in rows if row.metric == "ndcg"} == {32}
    assert {row.segment for row in rows} < set(SEGMENTS)


def test_a_row_is_the_mean_over_user_days_inside_its_interval() -> None:
    met = met_in(drifting_popularity(), Popular(1))
    judged = judge(met, "new", "decayed_popular_1", "all")
    expected = ndcg(judged.hits, judged.n_relevant)

    row = by_grain(summarise(met))["decayed_popular_1", "new", "all", "ndcg", 4]

    assert row.value == pytest.approx(expected.mean())
    assert row.ci_low < row.value < row.ci_high
    assert row.n == len(expected) == 15


def test_coverage_counts_distinct_items_and_has_no_interval() -> None:
    """The top one of each of three days: three of the twelve items, all there since ever."""
    row = by_grain(summarise(met_in(drifting_popularity(), Popular(1))))[
        "decayed_popular_1", "all", "all", "coverage", 1
    ]

    assert row.value == 3 / 12
    assert np.isnan([row.ci_low, row.ci_high]).all()
    assert row.n == 15


def test_new_items_are_judged_by_the_same_lists_and_fewer_relevant_items() -> None:
    """Item 2 arrives on the day; items 0 and 1 exist for long, and 1 is the more popular."""
    history = history_of([Deed(0, 1, 0.0), Deed(1, 0, 9.0), Deed(1, 2, 9.0)])
    world = World(history, catalogue_of(3, since=[0, 0, 9]), 2, 9, 10)

    found = by_grain(summarise(met_in(world, Popular())))

    first_hits = {
        segment: found["popular", "all", segment, "mrr", 4].value
        for segment in ("all", "cold", "new_items", "known_items")
    }
    assert first_hits == {"all": 1 / 2, "cold": 1 / 2, "new_items": 1 / 3, "known_items": 1 / 2}
    # What is relevant beside the segment is no rival within it.
    assert found["popular", "all", "new_items", "auc", None].value == 0


def test_a_difference_is_to_the_best_baseline_and_paired() -> None:
    met = met_in(checkerboard(), Popular(), item_knn(), Popular(3))

    rows = differences(met, ["item_knn"], metrics=["ndcg"], segments=["all"])

    row = next(row for row in rows if (row.target, row.k) == ("new", 1))
    judged = {name: judge(met, "new", name, "all") for name in met.variants}
    values = {name: ndcg(of.hits[:, :1], of.n_relevant) for name, of in judged.items()}
    best = max(("popular", "decayed_popular_3"), key=lambda name: values[name].mean())
    expected = difference(values["item_knn"], values[best], met.user_days.users)
    assert row.baseline == best
    assert (row.difference, row.ci_low, row.ci_high, row.n) == expected
    assert row.wins
    assert {(row.target, row.k) for row in rows} == {(t, k) for t in ("new", "all") for k in (1, 4)}


def test_a_win_is_a_difference_beyond_noise() -> None:
    row = Difference("new", "all", "ndcg", 10, "interest", "popular", 0.1, -0.01, 0.2, 30)

    assert not row.wins
    assert row._replace(ci_low=0.01).wins
    assert not row._replace(difference=-0.1, ci_low=-0.2, ci_high=-0.01).wins


def test_nobody_wins_against_itself() -> None:
    """Ties are no wins, and without a baseline there is nothing to win against."""
    met = met_in(drifting_popularity(), Popular(1))
    twins = {(target, "twin"): lists for (target, _), lists in met.lists.items()}
    twin = replace(met, lists={**met.lists, **twins})

    assert not any(row.wins for row in differences(twin, ["twin"]))
    assert {row.difference for row in differences(twin, ["twin"])} == {0.0}
    assert differences(met, ["decayed_popular_1"]) == []


def test_published_lists_are_judged_as_they_were_shown() -> None:
    """For `new` without what the user touched before; touched items move the others up."""
    history = history_of([Deed(0, 3, 0.0), Deed(0, 3, 5.0), Deed(0, 1, 5.0)])
    lists = ready("interest", [0], [[3, 0, 1, NO_ROW]])

    found = judged_on(history, 1, [lists], [Popular(3)])

    assert found["interest", "all", "all", "mrr", 10].value == 1
    assert found["interest", "new", "all", "mrr", 10].value == 1 / 2
    assert found["interest", "all", "all", "ndcg", 10].value == pytest.approx(
        (1 + 1 / 2) / (1 + 1 / np.log2(3))
    )
    assert found["interest", "all", "all", "auc", None].n == 0
    assert found["decayed_popular_3", "all", "all", "auc", None].n == 1


def test_a_variant_is_judged_by_those_who_were_shown_it_or_nothing() -> None:
    """User 0 was shown one variant, user 1 the other, user 2 no list at all."""
    history = history_of([Deed(user, 1, 5.0) for user in range(3)])
    published = [ready("one", [0], [[1, 2]]), ready("other", [1], [[2, NO_ROW]])]

    found = judged_on(history, 3, published, [Popular()])

    hit_rates = {
        variant: (row.value, row.n)
        for (variant, target, segment, metric, k), row in found.items()
        if (target, segment, metric, k) == ("all", "all", "hit_rate", 10)
    }
    assert hit_rates == {"one": (0.5, 2), "other": (0.0, 2), "popular": (1.0, 3)}
    assert found["one", "all", "all", "novelty", 10].n == 1


def test_a_night_without_baselines_or_lists_has_no_rows_of_them() -> None:
    history = history_of([Deed(0, 1, 5.0)])

    assert judged_on(history, 1, [], []) == {}
    rows = judged_on(history, 1, [ready("one", [], [])], []).values()
    assert {row.variant for row in rows} == {"one"}
    assert {row.value for row in rows if row.metric == "recall"} == {0.0}
