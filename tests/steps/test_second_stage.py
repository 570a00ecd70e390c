"""The second stage in the night: what it knows of candidates is what a backtest knows of them."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys_tasks.cooccurrence import cooccurrence
from recsys_tasks.histories import user_items
from recsys_tasks.interactions import day_number
from recsys_tasks.reranking import FEATURES, Groups, SecondStage, grow
from recsys_tasks.settings import Variant, preset_of
from recsys_tasks.steps import publish
from recsys_tasks.training import RerankedScorer
from recsys_tasks.warehouse.history import History, read_history
from recsys_tasks.warehouse.models import live_models
from recsys_tasks.warehouse.second_stages import save_second_stage
from recsys_tasks.warehouse.variant_models import name_variant_models

from .kept_models import let_serve, made_for
from .made_days import LAST, NIGHTS, made_events, made_items
from .tenant import Tenant

TREND_HALF_LIVES = (0.5, 1.0, 3.0, 7.0, 14.0, 60.0)
N_FEATURES = 2 * len(TREND_HALF_LIVES) + 3


@pytest.fixture
def reranked(tenant: Tenant) -> Tenant:
    """A week of nights, after which a learned model with a second stage serves."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    for night in NIGHTS:
        tenant.draft(night)
        tenant.run(publish, night)
    let_both_stages_serve(tenant)
    return tenant


def let_both_stages_serve(tenant: Tenant) -> None:
    """A learned model that trends matter to, and a second stage over it."""
    rng = np.random.default_rng(0)
    learned = made_for(
        tenant,
        trend_half_lives=TREND_HALF_LIVES,
        tau=rng.uniform(0, 0.2, N_FEATURES).astype(np.float32),
        tau_by_mass=np.zeros(N_FEATURES, np.float32),
    )
    stored = let_serve(tenant, learned)
    second = grown(history_of(tenant), rng)
    with tenant.warehouse.transaction() as session:
        save_second_stage(session, stored.model_key, second)


def history_of(tenant: Tenant) -> History:
    """Everything until the last night."""
    with tenant.warehouse.transaction() as session:
        stored = live_models(session)[0].stored
        return read_history(session, preset_of(tenant.settings), stored, LAST + timedelta(days=1))


def grown(history: History, rng: np.random.Generator) -> SecondStage:
    """Forests to which every feature matters, over what really goes together."""
    features = rng.normal(0, 2, (4000, len(FEATURES))).astype(np.float32)
    labels = (features.sum(axis=1) + rng.normal(0, 5, 4000) > 0).astype(np.int8)
    found = grow(Groups(features, labels, np.full(100, 40), np.arange(100, dtype=np.int32)), 0)
    together = cooccurrence(user_items(history.interactions, len(history.catalogue)))
    return SecondStage(found.trees, found.base, history.item_keys, together)


def filtering(tenant: Tenant, condition: str | None) -> Tenant:
    """The same with a filter of lists."""
    return Tenant(tenant.warehouse, tenant.settings.model_copy(update={"list_filter": condition}))


def off_by(tenant: Tenant) -> NDArray[np.float64]:
    """How far the scores of the last night's lists are from those of a backtest."""
    tenant.draft(LAST)
    tenant.run(publish, LAST)
    history, day = history_of(tenant), day_number(LAST) + 1
    with tenant.warehouse.transaction() as session:
        live = live_models(session)[0]
        listed = session.select(
            "select user_key, item_keys, scores from recommendation_lists"
            " where night = %(night)s order by user_key",
            {"night": LAST},
        )
    assert live.second_stage is not None
    first, second = live.interest.at(history.item_keys), live.second_stage.at(history.item_keys)
    scorer = RerankedScorer("reranked", first, second, history.vectors)
    scorer.fit(history.interactions, history.catalogue, day)
    users = np.arange(len(history.user_keys), dtype=np.int32)
    scores = scorer.scores(history.interactions, users, day)
    assert [user_key for user_key, *_ in listed] == history.user_keys.tolist()
    rows = {int(key): row for row, key in enumerate(history.item_keys)}
    found = [
        scores[row, [rows[key] for key in item_keys]] - np.array(of_list)
        for row, (_, item_keys, of_list) in enumerate(listed)
    ]
    differences: NDArray[np.float64] = np.abs(np.concatenate(found))
    return differences


def test_the_night_ranks_by_both_stages_as_the_backtest_does(reranked: Tenant) -> None:
    """Where rounding lies on another side of a cut of a tree, a score moves."""
    differences = off_by(reranked)

    assert len(differences) > 100
    assert (differences < 1e-3).mean() > 0.95


def test_items_that_lists_may_not_hold_still_tell_what_users_take_to(reranked: Tenant) -> None:
    """They are no candidates, so places among these move, and with them some of the scores."""
    differences = off_by(filtering(reranked, "item_id not in ('i3', 'i4')"))

    assert (differences < 1e-3).mean() > 0.7
    assert differences.max() < 0.2


def test_a_second_stage_that_reads_other_features_is_left_out(reranked: Tenant) -> None:
    """Another version's: the first stage ranks alone, and the ledger says so."""
    with reranked.warehouse.transaction() as session:
        live = live_models(session)[0]
        assert live.second_stage is not None
        trees = tuple(text.replace("log_trend_0", "trend") for text in live.second_stage.trees)
        other = replace(live.second_stage, trees=trees)
        save_second_stage(session, live.stored.model_key, other)
        assert live_models(session)[0].second_stage is None
        assert "reads other features" in session.notes[0]


def test_saving_no_second_stage_takes_the_old_one_away(reranked: Tenant) -> None:
    with reranked.warehouse.transaction() as session:
        live = live_models(session)[0]
        save_second_stage(session, live.stored.model_key, None)

        assert live_models(session)[0].second_stage is None
        assert session.notes == []


def test_a_variant_with_another_half_life_has_the_second_stage_too(reranked: Tenant) -> None:
    """What a variant does not say is as the default's."""
    variants = {"month": Variant(share=0.5, decay="half-life 30 days")}
    settings = reranked.settings.model_copy(update={"variants": variants})
    for _ in range(2):  # made, and found as it was made
        with reranked.warehouse.transaction(exclusive=True) as session:
            name_variant_models(session, settings)
            default, month = live_models(session)

            assert default.second_stage is not None
            assert month.second_stage is not None
            assert month.second_stage.trees == default.second_stage.trees
