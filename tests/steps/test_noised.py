"""With RECSYS_PRIVACY, what users share is told once a day, with noise, and accounted."""

from datetime import date

import numpy as np
import pytest
from pydantic import SecretStr

from recsys_tasks import modelling, nightly
from recsys_tasks.accounting import account
from recsys_tasks.errors import BadSettings
from recsys_tasks.finetuning import TuningOptions
from recsys_tasks.noise import GRID
from recsys_tasks.settings import EventType, Privacy
from recsys_tasks.steps import accumulate, evaluate
from recsys_tasks.steps.rank.trending import read_trends

from .made_days import IDLE, LAST, NIGHTS
from .tenant import Tenant

KEY = SecretStr("a secret of the tests")
TRENDS = """
select item_id, day, mass::float8 from daily_trends inner join items using (item_key) order by 1, 2
"""
RELEASES = """
select mechanism, day, epsilon, encode(content, 'hex'), is_current from noise_releases order by 1, 2
"""
FOUND = """
select night, target, variant, segment, metric, k, value, ci_low, ci_high, n
from evaluations order by 1, 2, 3, 4, 5
"""


def with_privacy(tenant: Tenant, epsilon: float = 1.0, **changes: object) -> Tenant:
    """The same tenant with noise for what its users share."""
    privacy = Privacy.model_validate({"epsilon": epsilon, "most_items": 100, **changes})
    settings = tenant.settings.model_copy(update={"privacy": privacy, "noise_key": KEY})
    return Tenant(tenant.warehouse, settings)


def accumulated(tenant: Tenant, day: date = LAST) -> list[tuple[object, ...]]:
    """Trends after the steps of a night that count."""
    tenant.draft(day)
    return tenant.rows(TRENDS)


@pytest.mark.parametrize(("epsilon", "most"), [(1.0, 100), (100.0, 12)])
def test_every_item_of_every_day_has_its_count_and_noise(
    filled: Tenant, epsilon: float, most: int
) -> None:
    """Also on the day on which nobody did anything. Noise is all that differs, much or little."""
    exact = {row[:2]: row[2] for row in accumulated(filled)}
    noised = accumulated(with_privacy(filled, epsilon, most_items=most))

    items = {str(row[0]) for row in filled.rows("select item_id from items where is_listed")}
    old = {name for name in items if not name.startswith("new")}
    told = {row[:2]: row[2] for row in noised}
    cells = [(name, night) for name in old for night in NIGHTS]
    gaps = [float(str(told.get(cell, 0))) - float(str(exact.get(cell, 0))) for cell in cells]
    found = np.array(gaps) * GRID
    assert (found % 1 == 0).all()
    assert (found != 0).mean() > 0.85
    assert np.abs(found).mean() == pytest.approx(most * GRID / epsilon, rel=0.35)
    assert any(row[1] == NIGHTS[IDLE] for row in noised)
    since = {row[1] for row in noised if str(row[0]).startswith("new")}
    assert since <= {night for night in NIGHTS if night >= NIGHTS[5]}


def test_a_retry_and_a_schema_made_anew_have_the_same_noise(filled: Tenant) -> None:
    tenant = with_privacy(filled)
    noised = accumulated(tenant)
    told = tenant.rows(RELEASES)

    assert accumulated(tenant) == noised
    with tenant.warehouse.transaction() as session:
        session.select("truncate daily_trends, noise_releases")
    tenant.run(accumulate, LAST)

    assert tenant.rows(TRENDS) == noised
    assert tenant.rows(RELEASES) == told
    assert len(told) == len(NIGHTS)


def test_nights_one_by_one_tell_what_all_at_once_tell(filled: Tenant) -> None:
    tenant = with_privacy(filled)
    for night in NIGHTS:
        noised = accumulated(tenant, night)
    with tenant.warehouse.transaction() as session:
        session.select("truncate daily_trends, noise_releases")
    tenant.run(accumulate, LAST)

    assert tenant.rows(TRENDS) == noised


def test_late_events_are_not_told(filled: Tenant) -> None:
    """That a day changes at all would tell of whoever was late."""
    tenant = with_privacy(filled)
    noised, told = accumulated(tenant), tenant.rows(RELEASES)
    tenant.events({"user_id": "late", "item_id": "i0", "day": LAST})

    assert accumulated(tenant) == noised
    assert tenant.rows(RELEASES) == told
    assert ("late",) in tenant.rows("select user_id from users")


def test_another_edition_is_another_release_and_adds_up(filled: Tenant) -> None:
    tenant = with_privacy(filled)
    noised = accumulated(tenant)
    again = with_privacy(filled, edition=2)

    assert accumulated(again) != noised
    found = account(again.warehouse, again.settings, 100)
    assert [(one.n_days, one.n_releases) for one in found.mechanisms] == [(8, 16)]
    assert found.mechanisms[0].epsilon == pytest.approx(2.0)
    assert sum(bool(row[-1]) for row in again.rows(RELEASES)) == len(NIGHTS)


def test_without_privacy_counts_are_exact_again_and_back_they_cost_nothing(filled: Tenant) -> None:
    exact = accumulated(filled)
    tenant = with_privacy(filled)
    noised = accumulated(tenant)
    told = tenant.rows(RELEASES)

    assert accumulated(filled) == exact
    assert not any(row[-1] for row in tenant.rows(RELEASES))
    assert account(tenant.warehouse, tenant.settings, 0).uncovered[0].startswith("trends of 7 days")
    assert accumulated(tenant) == noised
    assert tenant.rows(RELEASES) == told


def test_a_day_that_goes_on_is_not_told(filled: Tenant) -> None:
    accumulated(filled)
    with filled.warehouse.transaction() as session:
        statement = "update interaction_days set is_over = false where day = %(day)s"
        session.select(statement, {"day": LAST})
    tenant = with_privacy(filled)
    tenant.run(accumulate, LAST)

    days = {row[1] for row in tenant.rows(TRENDS)}
    assert days == {night for night in NIGHTS if night != LAST}


def test_an_item_outside_the_catalogue_is_not_told(filled: Tenant) -> None:
    filled.events({"user_id": "u1", "item_id": "secret", "day": LAST})

    assert "secret" in {row[0] for row in accumulated(filled)}
    assert "secret" not in {row[0] for row in accumulated(with_privacy(filled))}


def test_no_sum_is_below_nothing(filled: Tenant) -> None:
    tenant = with_privacy(filled)
    noised = accumulated(tenant)
    keys = np.array([row[0] for row in tenant.rows("select item_key from items order by 1")])
    with tenant.warehouse.transaction() as session:
        counts = read_trends(session, (1.0, 30.0), keys.astype(np.int32), LAST)

    assert min(float(str(row[2])) for row in noised) < 0
    assert (counts >= 0).all()
    assert counts.any()


def test_evaluations_are_few_noised_and_told_once(filled: Tenant) -> None:
    tenant = with_privacy(filled, evaluation_epsilon=50.0, least_users=3)
    for night in NIGHTS[-3:]:
        nightly.run_night(tenant.settings, night)
    rows, told = tenant.rows(FOUND), tenant.rows(RELEASES)

    assert {row[1] for row in rows} == {"new", "all"}
    assert {row[4] for row in rows} == {"ndcg", "hit_rate"}
    assert {row[3] for row in rows} >= {"all"}
    for row in rows:
        value, low, high, n = (float(str(cell)) for cell in row[6:])
        assert 0 <= low <= value <= high <= 1
        assert n >= 3
    assert sum(row[0] == "evaluations" for row in told) == 2
    assert not tenant.rows("select from experiment_user_days")
    tenant.run(evaluate, LAST)
    assert (tenant.rows(FOUND), tenant.rows(RELEASES)) == (rows, told)


def test_noised_evaluations_are_near_the_exact_ones(filled: Tenant) -> None:
    for night in NIGHTS[-2:]:
        nightly.run_night(filled.settings, night)
    exact = {row[:6]: row[6:] for row in filled.rows(FOUND)}
    tenant = with_privacy(filled, evaluation_epsilon=100.0, least_users=3)
    tenant.run(evaluate, LAST)

    noised = [row for row in tenant.rows(FOUND) if row[0] == LAST]
    assert noised
    for row in noised:
        value, _, _, n = (float(str(cell)) for cell in exact[row[:6]])
        assert float(str(row[7])) <= value <= float(str(row[8]))
        assert abs(n - float(str(row[9]))) <= 2


def test_without_a_budget_no_evaluation_is_told(filled: Tenant) -> None:
    for night in NIGHTS[:2]:
        nightly.run_night(filled.settings, night)
    assert filled.rows(FOUND)
    tenant = with_privacy(filled)
    tenant.run(evaluate, NIGHTS[1])

    assert not tenant.rows(FOUND)


def test_a_model_that_would_learn_without_noise_is_not_trained(filled: Tenant) -> None:
    tenant = with_privacy(filled)

    with pytest.raises(BadSettings, match="without model_epsilon"):
        modelling.train(tenant.warehouse, tenant.settings)


def test_a_model_that_learns_with_noise_is_a_release_and_the_same_again(filled: Tenant) -> None:
    tenant = with_privacy(filled, model_epsilon=50.0)
    for night in NIGHTS:
        nightly.run_night(tenant.settings, night)
    told = f"select * from ({RELEASES}) as told where mechanism = 'models'"

    found = modelling.train(tenant.warehouse, tenant.settings)
    first = tenant.rows(told)
    again = modelling.train(tenant.warehouse, tenant.settings)

    assert found == again
    assert set(found.facts) == {"epsilon", "delta", "users"}
    ((_, day, epsilon, _, is_current),) = first
    assert (day, is_current) == (LAST, True)
    assert epsilon == found.facts["epsilon"] == pytest.approx(50.0, rel=1e-3)
    assert tenant.rows(told) == first
    spent = account(tenant.warehouse, tenant.settings, 1)
    assert spent.all_models == pytest.approx(50.0, rel=1e-3)
    assert not any("learned without noise" in line for line in spent.uncovered)


def test_lists_are_made_of_a_model_that_learned_with_noise(filled: Tenant) -> None:
    tenant = with_privacy(filled, model_epsilon=50.0)
    for night in NIGHTS:
        nightly.run_night(tenant.settings, night)
    forced = modelling.train(tenant.warehouse, tenant.settings, force=True)
    nightly.run_night(tenant.settings, LAST)

    assert forced.serves
    assert tenant.rows("select distinct model_id from recommendations") == [(forced.model_id,)]


def test_another_training_adds_up(filled: Tenant) -> None:
    tenant = with_privacy(filled, model_epsilon=8.0)
    for night in NIGHTS[:6]:
        nightly.run_night(tenant.settings, night)
    modelling.train(tenant.warehouse, tenant.settings, force=True)
    nightly.run_night(tenant.settings, NIGHTS[6])
    modelling.train(tenant.warehouse, tenant.settings, force=True)

    assert 8.5 < account(tenant.warehouse, tenant.settings, 1).all_models < 16


def test_an_encoder_is_not_tuned(filled: Tenant) -> None:
    tenant = with_privacy(filled, model_epsilon=8.0)

    with pytest.raises(BadSettings, match="tuned without noise"):
        modelling.tune_encoder(tenant.warehouse, tenant.settings, "shop", TuningOptions())


def test_an_encoder_beside_is_no_way_around(filled: Tenant) -> None:
    tenant = with_privacy(filled, model_epsilon=8.0)

    with pytest.raises(BadSettings, match="encoder that serves"):
        modelling.train(tenant.warehouse, tenant.settings, encoder="another")


def test_another_weight_of_the_same_sign_tells_nothing_again(filled: Tenant) -> None:
    tenant = with_privacy(filled)
    noised, told = accumulated(tenant), tenant.rows(RELEASES)
    heavier = {"purchase": EventType(weight=9)}
    settings = tenant.settings.model_copy(update={"event_types": heavier})

    assert accumulated(Tenant(tenant.warehouse, settings)) == noised
    assert tenant.rows(RELEASES) == told
