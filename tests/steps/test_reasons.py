"""Reasons that add up: from the night, through the table, to what applications read."""

import numpy as np
import pytest
from scipy import sparse

from recsys_tasks import justifying
from recsys_tasks.cooccurrence import Cooccurrence
from recsys_tasks.reranking import FEATURES, Groups, SecondStage, grow
from recsys_tasks.steps import publish
from recsys_tasks.warehouse.second_stages import save_second_stage

from .kept_models import let_serve, made_for
from .made_days import FIRST, made_events, made_items
from .tenant import Tenant

ENTRIES = "select rank, score, reason, reasons from recommendations order by user_id, rank"


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """A night that is published."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    tenant.draft(FIRST)
    tenant.run(publish, FIRST)
    return tenant


def assert_add_up(tenant: Tenant) -> None:
    """The first ten entries of every list have reasons that sum to the score."""
    entries = tenant.rows(ENTRIES)
    assert len(entries) > 0
    for rank, score, reason, reasons in entries:
        assert isinstance(rank, int)
        if rank > 10:
            assert reasons is None
            continue
        assert isinstance(reasons, list)
        first, *others, rest = reasons
        assert sum(part["part"] for part in reasons) == pytest.approx(score, abs=1e-4)
        assert sum(abs(part["share"]) for part in reasons) == pytest.approx(1, abs=1e-3)
        assert (first["text"], rest["text"]) == (reason, "other")
        assert all(part["part"] > 0 for part in others)
        assert len({part["text"] for part in reasons}) == len(reasons)


def test_the_parts_of_an_entry_add_up_to_its_score(filled: Tenant) -> None:
    assert_add_up(filled)


def test_they_do_with_a_learned_model_and_with_diversity(filled: Tenant) -> None:
    let_serve(filled, made_for(filled))
    diverse = Tenant(filled.warehouse, filled.settings.model_copy(update={"diversity": 0.5}))
    diverse.draft(FIRST)
    diverse.run(publish, FIRST)

    assert_add_up(diverse)


def test_a_reason_names_its_item(filled: Tenant) -> None:
    rows = filled.rows(
        "select part ->> 'text', items.title"
        " from recommendations"
        " cross join lateral jsonb_array_elements(reasons) as part"
        " inner join items on part ->> 'item_id' = items.item_id"
    )

    assert rows
    for text, title in rows:
        assert str(title) in str(text)


def test_recommend_gives_the_same_and_nothing_for_who_is_not_known(filled: Tenant) -> None:
    """And lists that were made before there were reasons have none."""
    asked = "select reasons from recommend(%(user_id)s, 10)"
    listed = "select reasons from recommendations where user_id = %(user_id)s and rank <= 10"
    ((user, *_),) = filled.rows("select user_id from recommendations order by user_id limit 1")

    known = filled.rows(asked, user_id=user)
    assert known == filled.rows(f"{listed} order by rank", user_id=user)
    assert {row[0] for row in filled.rows(asked, user_id="nobody")} == {None}
    filled.rows("update recommendation_lists set parts = null, part_kinds = null returning 1")
    assert {row[0] for row in filled.rows(asked, user_id=user)} == {None}


def test_all_kinds_have_words(filled: Tenant) -> None:
    statement = "select reason_in_words(%(kind)s::smallint, 'cup', 'bought', 7::smallint, 3)"
    words = [filled.rows(statement, kind=kind)[0][0] for kind in range(9)]

    assert words == [
        "what you did before",
        "because you bought cup 3 days ago",
        "because of what you wrote about cup 3 days ago",
        "popular this week",
        "new here",
        "often taken together with cup",
        "in line with your habits",
        "for everyone",
        "liked by people like you",
    ]


def rerank(tenant: Tenant) -> None:
    """Let a learned model serve whose second stage finds something in every feature."""
    rng = np.random.default_rng(0)
    n_features = 2 * 6 + 3
    learned = made_for(
        tenant,
        trend_half_lives=(0.5, 1.0, 3.0, 7.0, 14.0, 60.0),
        tau=rng.uniform(0, 0.2, n_features).astype(np.float32),
        tau_by_mass=np.zeros(n_features, np.float32),
    )
    stored = let_serve(tenant, learned)
    features = rng.normal(0, 2, (4000, len(FEATURES))).astype(np.float32)
    labels = (features.sum(axis=1) + rng.normal(0, 5, 4000) > 0).astype(np.int8)
    grown = grow(Groups(features, labels, np.full(100, 40), np.arange(100, dtype=np.int32)), 0)
    keys = learned.item_keys
    speaks = rng.random((2, len(keys), len(keys))) * (rng.random((2, len(keys), len(keys))) < 0.3)
    ease, cosine = (sparse.csr_matrix(matrix.astype(np.float32)) for matrix in speaks)
    second = SecondStage(grown.trees, 0.5, keys, Cooccurrence(ease, cosine))
    with tenant.warehouse.transaction() as session:
        save_second_stage(session, stored.model_key, second)
    tenant.draft(FIRST)
    tenant.run(publish, FIRST)


def test_both_stages_add_up_to_what_was_listed(filled: Tenant) -> None:
    """What `why` tells of each entry is the score that the list has, and the list's reasons."""
    rerank(filled)
    listed = filled.rows(
        "select user_id, item_id, rank, score, reasons from recommendations"
        " where rank in (1, 4, 10)"
    )

    assert_add_up(filled)
    for user, item, rank, score, reasons in listed:
        found = justifying.why(filled.warehouse, filled.settings, str(user), str(item))
        assert (found.stage, found.rank) == ("reranked", rank)
        assert found.scores[0] == pytest.approx(score, abs=1e-4)
        assert found.scores[0] != pytest.approx(found.scores[1], abs=1e-4)
        parts = {(part.text, part.item_id): part.part for part in found.parts}
        assert isinstance(reasons, list)
        for told in reasons[:-1]:
            part = parts[told["text"], told.get("item_id")]
            assert told["part"] == pytest.approx(part, abs=1e-4)
