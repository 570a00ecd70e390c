"""Nights with variants: who is shown what, and what each variant's lists are made by."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from recsys_tasks import nightly
from recsys_tasks.decay import ENDLESS
from recsys_tasks.evaluation.policies import FixedAlphaScorer
from recsys_tasks.interactions import day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.settings import Variant, preset_of
from recsys_tasks.steps import publish, rank
from recsys_tasks.steps.rank import inputs, making
from recsys_tasks.variants import PLACES, place_of
from recsys_tasks.warehouse.history import read_history
from recsys_tasks.warehouse.models import live_models

from .kept_models import keep, let_serve, made_for, states
from .made_days import FIRST, LAST, NIGHTS
from .tenant import Tenant

PUBLISHED = nightly.STEPS[:-1]
LISTS = """
select user_id, variant, rank, item_id, score, model_id
from recommendations
order by user_id, rank
"""
ASSIGNED = "select distinct user_id, variant from recommendations order by user_id"
NOTES = "select step, note from nights where note is not null and day = %(day)s"


def variants(**given: dict[str, Any]) -> dict[str, Variant]:
    return {name: Variant(**facts) for name, facts in given.items()}


def changed(tenant: Tenant, **changes: object) -> Tenant:
    return Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))


def run_nights(tenant: Tenant, nights: Iterable[date] = (LAST,)) -> Tenant:
    for night in nights:
        for step in PUBLISHED:
            nightly.run_step(step, night, tenant.settings)
    return tenant


def emptied(tenant: Tenant) -> Tenant:
    """The same source, under a warehouse in which no night has run."""
    with tenant.warehouse.transaction() as session:
        session.select(f"drop schema {tenant.warehouse.schema} cascade")
    tenant.warehouse.migrate()
    return tenant


def lists_by_user(tenant: Tenant) -> dict[object, list[tuple[object, ...]]]:
    """Items and scores by user, best first."""
    found: dict[object, list[tuple[object, ...]]] = {}
    for user_id, _, _, item_id, score, _ in tenant.rows(LISTS):
        found.setdefault(user_id, []).append((item_id, score))
    return found


def shown(tenant: Tenant) -> dict[object, object]:
    """The variant of each user who has a list."""
    return {row[0]: row[1] for row in tenant.rows(ASSIGNED)}


def test_a_place_is_the_same_in_sql_and_in_python(tenant: Tenant) -> None:
    ids = [*(f"user {n}" for n in range(500)), "", "é", "名前", "a b", "🙂", "\t"]
    for salt in ("1", "né"):
        rows = tenant.rows(
            "select id, place_of(%(salt)s, id) from unnest(%(ids)s) as ids (id)",
            ids=ids,
            salt=salt,
        )
        assert rows == [(user_id, place_of(salt, user_id)) for user_id in ids]


def test_lists_carry_the_variant_that_their_users_have(filled: Tenant) -> None:
    """By share, the same in variant_of, also for users who are not known."""
    night = run_nights(changed(filled, variants=variants(bold={"share": 0.5, "diversity": 0.7})))

    assert set(shown(night).values()) == {"content", "bold"}
    for user_id, variant in shown(night).items():
        is_bold = place_of("1", str(user_id)) < PLACES / 2
        assert variant == ("bold" if is_bold else "content")
    rows = night.rows(
        "select variant_of(id), place_of('1', id) from unnest(%(ids)s) as ids (id)",
        ids=[*shown(night), *(f"nobody {n}" for n in range(50))],
    )
    assert rows == [
        ("bold" if int(str(place)) < PLACES / 2 else "content", place) for _, place in rows
    ]


def test_a_variant_makes_the_lists_that_it_would_make_for_all(filled: Tenant) -> None:
    """Policy by policy; who is shown the default has the lists of a night without variants."""
    run_nights(filled)
    plain = lists_by_user(filled)
    night = run_nights(
        changed(
            filled,
            category_cap=3,
            variants=variants(
                bold={"share": 0.3, "diversity": 0.7, "category_cap": None},
                fresh={"share": 0.3, "new_item_share": 0.5},
            ),
        )
    )
    mixed, who = lists_by_user(night), shown(night)
    assert set(who.values()) == {"bold", "fresh", "content"}
    for name, policy in (
        ("bold", {"diversity": 0.7, "category_cap": None}),
        ("fresh", {"new_item_share": 0.5, "category_cap": 3}),
        ("content", {"category_cap": 3}),
    ):
        alone = lists_by_user(run_nights(changed(filled, **policy)))
        for user_id, variant in who.items():
            if variant == name:
                assert mixed[user_id] == alone[user_id]
        assert name == "content" or alone != plain


def test_variants_that_differ_in_lists_alone_share_one_picture(
    filled: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []

    def counted(*given: Any, **named: Any) -> inputs.Picture:  # noqa: ANN401  as it is called
        read.append(named)
        return inputs.read_items(*given, **named)

    monkeypatch.setattr(rank, "read_items", counted)
    monkeypatch.setattr(making, "read_items", counted)
    split = variants(a={"share": 0.3, "diversity": 0.5}, b={"share": 0.3, "new_item_share": 0.2})
    run_nights(changed(filled, variants=split))
    assert read == [{}]
    assert filled.rows("select count(*) from models") == [(1,)]


def test_a_half_life_of_a_variant_is_as_if_it_were_set(filled: Tenant) -> None:
    everybody = variants(slow={"share": 1, "decay": "half-life 14 days"})
    night = run_nights(changed(filled, variants=everybody))
    found = lists_by_user(night)
    assert set(shown(night).values()) == {"slow"}
    assert states(night) == [("zero-shot", "serving"), ("zero-shot", "variant")]

    alone = lists_by_user(run_nights(changed(emptied(filled), half_lives=(14.0,))))
    assert found == alone


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_a_fixed_alpha_ranks_as_the_backtest_does(filled: Tenant, alpha: float) -> None:
    """The night folds day after day; there the fold is one sparse product."""
    everybody = variants(fixed={"share": 1, "decay": f"alpha {alpha}"})
    night = run_nights(changed(filled, variants=everybody))
    with night.warehouse.transaction() as session:
        model = live_models(session)[0].stored
        history = read_history(session, preset_of(night.settings), model, LAST + timedelta(days=1))
        listed = session.select(
            "select user_key, item_keys, scores from recommendation_lists order by user_key"
        )
    zero_shot = ZeroShot.of(preset_of(night.settings))
    endless = zero_shot._replace(half_lives=ENDLESS, scales=(sum(zero_shot.scales),))
    scorer = FixedAlphaScorer("fixed", endless, history.vectors, alpha)
    day = day_number(LAST) + 1
    scorer.fit(history.interactions, history.catalogue, day)
    users = np.arange(len(history.user_keys), dtype=np.int32)
    scores = scorer.scores(history.interactions, users, day)
    rows = {int(key): row for row, key in enumerate(history.item_keys)}
    assert [user_key for user_key, *_ in listed] == history.user_keys.tolist()
    for row, (_, item_keys, found) in enumerate(listed):
        expected = scores[row, [rows[key] for key in item_keys]]
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_without_decay_a_variant_has_the_limit_of_long_half_lives(filled: Tenant) -> None:
    scores = []
    for decay in ("none", "half-life 9999 days"):
        everybody = variants(v={"share": 1, "decay": decay})
        run_nights(changed(filled, variants=everybody))
        scores.append(filled.rows("select user_id, item_id, score from recommendations"))
    one, other = ({row[:2]: row[2] for row in rows} for rows in scores)
    assert one.keys() == other.keys()
    assert one != other
    assert one == pytest.approx(other, rel=5e-3, abs=5e-3)


def test_variants_rank_by_other_models_beside_the_one_that_serves(filled: Tenant) -> None:
    """A kept one, the zero-shot one, and a learned one whose half-lives are replaced."""
    run_nights(filled, [FIRST])
    kept = keep(filled, made_for(filled, prior_mass=2.0))
    serving = let_serve(filled, made_for(filled))
    split = variants(
        before={"share": 0.25, "model": "zero-shot"},
        older={"share": 0.25, "model": kept.model_id},
        slow={"share": 0.25, "decay": "half-life 14 days"},
    )
    night = changed(filled, variants=split)
    run_nights(night, NIGHTS)
    rows = night.rows("select distinct variant, model_id from recommendations")
    models = {row[0]: row[1] for row in rows}
    assert set(models) == {"before", "older", "slow", "interest"}
    assert models["interest"] == serving.model_id
    assert models["older"] == kept.model_id
    assert str(models["before"]).startswith("zero-shot-")
    assert models["slow"] not in {serving.model_id, kept.model_id}
    assert night.rows(NOTES, day=LAST) == []
    in_order = night.rows(LISTS)

    run_nights(emptied(filled), [FIRST])
    keep(filled, made_for(filled, prior_mass=2.0))
    let_serve(filled, made_for(filled))
    run_nights(night, [NIGHTS[n] for n in (5, 2, 7, 1, 3, 7)])
    assert night.rows(LISTS) == in_order


@pytest.mark.parametrize(
    ("model", "problem"),
    [("interest-none", "Model 'interest-none' is not there"), ("broken", "does not load")],
)
def test_a_variant_whose_model_cannot_be_used_is_shown_the_default(
    filled: Tenant, model: str, problem: str
) -> None:
    """The night goes on, the ledger says so, and the places stay the variant's own."""
    run_nights(filled, [FIRST])
    if model == "broken":
        model = keep(filled, made_for(filled)).model_id
        filled.rows(
            "update models set artifact = set_byte(artifact, 200, 7) where kind = 'interest'"
        )
    night = changed(filled, variants=variants(odd={"share": 0.5, "model": model}))
    run_nights(night)

    assert set(shown(night).values()) == {"content"}
    ((step, note),) = night.rows(NOTES, day=LAST)
    assert step == "rank"
    assert str(note).startswith("users of variant odd are shown content: ")
    assert problem in str(note)
    assert night.rows("select variant_of('u1'), variant_of('u2')") == [("content", "content")]
    assert set(
        night.rows(
            "select variant, is_served from night_variants join variants"
            " using (variant_key) where night = %(night)s",
            night=LAST,
        )
    ) == {("content", True), ("odd", False)}

    mended = changed(filled, variants=variants(odd={"share": 0.5, "diversity": 0.5}))
    before = night.rows("select places::text from night_variants where not is_default")
    run_nights(mended)
    assert mended.rows("select places::text from night_variants where not is_default") == before
    assert set(shown(mended).values()) == {"content", "odd"}


def test_a_share_that_grows_keeps_its_users_and_leaves_other_variants_alone(
    filled: Tenant,
) -> None:
    def who(**shares: float) -> dict[object, object]:
        split = variants(**{name: {"share": share} for name, share in shares.items()})
        return shown(run_nights(changed(filled, variants=split)))

    def users_of(assigned: dict[object, object], name: str) -> set[object]:
        return {user for user, variant in assigned.items() if variant == name}

    small, large, two = who(a=0.3), who(a=0.6), who(a=0.6, b=0.4)
    assert users_of(small, "a") < users_of(large, "a")
    assert users_of(two, "a") == users_of(large, "a")
    alone = who(b=0.4)
    assert users_of(alone, "b") == users_of(two, "b")
    assert users_of(alone, "b")


def test_another_salt_assigns_all_users_anew(filled: Tenant) -> None:
    split = variants(a={"share": 0.5})
    one, other = (
        shown(run_nights(changed(filled, variants=split, variant_salt=salt)))
        for salt in ("1", "another")
    )
    assert one != other


def test_who_is_shown_what_changes_when_lists_do(filled: Tenant) -> None:
    """Not while a draft may still be refused; and past nights keep what they showed."""
    run_nights(filled, NIGHTS[:2])
    night = changed(filled, variants=variants(all={"share": 1}))
    for step in nightly.STEPS[: nightly.STEPS.index("publish")]:
        nightly.run_step(step, NIGHTS[2], night.settings)
    asked = "select variant_of('u1'), variant_of('u1', %(before)s)"
    assert night.rows(asked, before=NIGHTS[1]) == [("content", "content")]
    night.run(publish, NIGHTS[2])
    assert night.rows(asked, before=NIGHTS[1]) == [("all", "content")]


def test_what_only_a_variant_ranked_by_goes_with_it_and_can_come_back(filled: Tenant) -> None:
    slow = changed(filled, variants=variants(slow={"share": 0.5, "decay": "none"}))
    run_nights(slow)
    left = (
        "select count(*) > 0 from interest_totals inner join models using (model_key)"
        " where parameters ->> 'half_lives' = '[1000000000000.0]'"
    )
    assert filled.rows(left) == [(True,)]
    lists = filled.rows(LISTS)

    run_nights(filled)
    assert states(filled) == [("zero-shot", "serving"), ("zero-shot", "retired")]
    assert filled.rows(left) == [(False,)]
    assert set(shown(filled).values()) == {"content"}

    run_nights(slow)
    assert states(filled) == [("zero-shot", "serving"), ("zero-shot", "variant")]
    assert filled.rows(LISTS) == lists
