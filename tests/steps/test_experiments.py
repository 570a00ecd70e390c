"""Evaluate, while variants run: whom a user-day counts for, and what an experiment finds."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from recsys_tasks import nightly
from recsys_tasks.settings import Variant

from .made_days import NIGHTS, made_events, made_items
from .tenant import Tenant

SPLIT = {"bold": Variant(share=0.5, diversity=0.8)}
FOUND = "select variant, against, target, segment, metric, nights, n, n_against from experiments"
WHOSE = """
select distinct night, user_id, variant
from experiment_user_days
inner join users using (user_key)
inner join variants using (variant_key)
"""


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    tenant.items(*made_items())
    tenant.events(*made_events())
    return tenant


def run_nights(tenant: Tenant, nights: Iterable[date], **changes: object) -> Tenant:
    changed = Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))
    for night in nights:
        nightly.run_night(changed.settings, night)
    return changed


def test_a_user_day_counts_for_the_variant_that_the_night_before_assigned(filled: Tenant) -> None:
    """Who came for the first time that day was served the cold-start list, and counts too."""
    run_nights(filled, NIGHTS[:4], variants=SPLIT)
    found = filled.rows(WHOSE)
    assert {night for night, *_ in found} == set(NIGHTS[1:4])
    assert {variant for *_, variant in found} == {"bold", "content"}
    for night, user_id, variant in found:
        assert isinstance(night, date)
        before = filled.rows(
            "select variant_of(%(user_id)s, %(night)s)",
            user_id=user_id,
            night=night - timedelta(days=1),
        )
        assert before == [(variant,)]


def test_evaluations_are_of_a_variants_users_and_baselines_of_all(filled: Tenant) -> None:
    run_nights(filled, NIGHTS[:4], variants=SPLIT)
    sizes = {
        (night, target, variant): n
        for night, target, variant, n in filled.rows(
            "select night, target, variant, n from evaluations"
            " where segment = 'all' and metric = 'ndcg' and k = 10"
        )
    }
    nights = {(night, target) for night, target, _ in sizes}
    assert len(nights) > 2
    for night, target in nights:
        arms = [sizes.get((night, target, name), 0) for name in ("bold", "content")]
        assert sum(map(int, map(str, arms))) == sizes[night, target, "popular"]


def test_an_experiment_is_a_query(filled: Tenant) -> None:
    """Its sizes are those of the nights' evaluations; its means, those of the nights alike."""
    run_nights(filled, NIGHTS, variants=SPLIT)
    rows = filled.rows(f"{FOUND} where segment = 'all' and metric = 'ndcg' order by target")
    assert [row[:5] for row in rows] == [
        ("bold", "content", target, "all", "ndcg") for target in ("all", "new")
    ]
    for *_, nights, n, n_against in rows:
        assert nights == len(NIGHTS) - 2  # nobody does anything on one, no list precedes the first
        assert min(int(str(n)), int(str(n_against))) > 10
    diverse = filled.rows(
        "select value > against_value from experiments"
        " where segment = 'all' and metric = 'diversity' and target = 'all'"
    )
    assert diverse == [(True,)]


def test_nights_again_and_in_another_order_find_the_same(filled: Tenant) -> None:
    columns = (
        "select since, until, target, segment, metric, nights, n, n_against, n_users,"
        " n_users_against, round(value::numeric, 9), round(against_value::numeric, 9),"
        " round(variance::numeric, 9) from experiment_sums order by target, segment, metric"
    )
    run_nights(filled, NIGHTS, variants=SPLIT)
    found = filled.rows(columns)
    run_nights(filled, [NIGHTS[n] for n in (3, 7, 2)], variants=SPLIT)
    assert filled.rows(columns) == found


def test_without_variants_no_user_day_is_kept_and_what_was_found_stays(filled: Tenant) -> None:
    run_nights(filled, NIGHTS[:4], variants=SPLIT)
    found = filled.rows(f"{FOUND} order by target, segment, metric")
    assert found
    run_nights(filled, NIGHTS[4:7])
    assert filled.rows("select count(*) from experiment_user_days") == [(0,)]
    assert filled.rows(f"{FOUND} order by target, segment, metric") == found
