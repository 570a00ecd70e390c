"""Nights on a learned model, and on one that does not load."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from encoders import save_tiny

from recsys_tasks import nightly
from recsys_tasks.errors import BrokenModel, UnknownModel
from recsys_tasks.interactions import day_number
from recsys_tasks.interest_scorer import InterestScorer, state_of
from recsys_tasks.modelling import retire_model, serve_model
from recsys_tasks.settings import preset_of
from recsys_tasks.warehouse.artifacts import pack, unpack
from recsys_tasks.warehouse.history import read_history
from recsys_tasks.warehouse.models import StoredModel, live_models, load_live

from .kept_models import keep, let_serve, made_for, states
from .made_days import FIRST, LAST, NIGHTS, made_events, made_items
from .tenant import Tenant

PUBLISHED = nightly.STEPS[:-1]
TOTALS = """
select users.user_id, half_life, as_of, mass, alpha, total::text
from interest_totals
inner join users using (user_key)
inner join models using (model_key)
where models.model_id = %(model_id)s
order by users.user_id, half_life
"""
LISTS = """
select user_id, rank, item_id, score, reason, strategy, night, model_id
from recommendations
order by user_id, rank
"""
VECTORS = "select item_id, vector::text from item_vectors order by item_id"
SHOWN = """
select distinct on (user_id, half_life) user_id, half_life, night, mass, alpha, vector::text
from user_interests
order by user_id, half_life, night desc
"""
NOTES = "select step, note from nights where note is not null"
STATE = ("daily_interests", "interest_totals", "pending_merges", "interests", "accumulated_days")


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """A week of behaviour, of which the first night has run."""
    tenant.items(*made_items())
    tenant.events(*made_events())
    run_nights(tenant, [FIRST])
    return tenant


def run_nights(tenant: Tenant, nights: Iterable[date]) -> None:
    for night in nights:
        for step in PUBLISHED:
            nightly.run_step(step, night, tenant.settings)


def emptied(tenant: Tenant) -> Tenant:
    """The same source, under a warehouse in which the first night has run."""
    with tenant.warehouse.transaction() as session:
        session.select(f"drop schema {tenant.warehouse.schema} cascade")
    tenant.warehouse.migrate()
    run_nights(tenant, [FIRST])
    return tenant


def left_by(tenant: Tenant, stored: StoredModel) -> list[list[tuple[object, ...]]]:
    """Totals, lists, vectors of items and of users, after the last night."""
    left = [
        tenant.rows(TOTALS, model_id=stored.model_id),
        *(tenant.rows(statement) for statement in (LISTS, VECTORS, SHOWN)),
    ]
    assert all(left)
    return left


def test_a_rebuild_beside_the_serving_model_ends_where_nights_from_the_start_do(
    filled: Tenant,
) -> None:
    """To the bit: totals, lists, and what live queries read."""
    run_nights(filled, NIGHTS)
    stored = let_serve(filled, made_for(filled))
    run_nights(filled, [LAST])
    rebuilt = left_by(filled, stored)

    from_the_start = let_serve(emptied(filled), made_for(filled))
    run_nights(filled, NIGHTS)
    assert from_the_start.model_id == stored.model_id
    assert left_by(filled, stored) == rebuilt


def test_nights_of_a_learned_model_in_any_order_leave_the_same_tables(filled: Tenant) -> None:
    stored = let_serve(filled, made_for(filled))
    run_nights(filled, NIGHTS)
    in_order = left_by(filled, stored)

    let_serve(emptied(filled), made_for(filled))
    run_nights(filled, [NIGHTS[n] for n in (5, 2, 7, 1, 3, 7, 6, 4)])
    assert left_by(filled, stored) == in_order


def test_the_night_ranks_by_a_learned_model_as_the_backtest_does(filled: Tenant) -> None:
    """Totals to 1e-5, scores to 1e-4: the recurrence and the parallel form."""
    let_serve(filled, made_for(filled))
    run_nights(filled, NIGHTS)
    with filled.warehouse.transaction() as session:
        live = live_models(session)[0]
        history = read_history(
            session, preset_of(filled.settings), live.stored, LAST + timedelta(days=1)
        )
        listed = session.select(
            "select user_key, item_keys, scores from recommendation_lists"
            " where night = %(night)s order by user_key",
            {"night": LAST},
        )
        totals = session.select(
            "select mass, total::text, half_life from interest_totals"
            " where user_key = %(user_key)s and model_key = %(model_key)s order by half_life",
            {"user_key": int(history.user_keys[3]), "model_key": live.stored.model_key},
        )
    model = live.interest.at(history.item_keys)
    day = day_number(LAST) + 1
    scorer = InterestScorer("interest", model, history.vectors)
    scorer.fit(history.interactions, history.catalogue, day)
    users = np.arange(len(history.user_keys), dtype=np.int32)
    scores = scorer.scores(history.interactions, users, day)
    rows = {int(key): row for row, key in enumerate(history.item_keys)}
    assert [user_key for user_key, *_ in listed] == history.user_keys.tolist()
    for row, (_, item_keys, listed_scores) in enumerate(listed):
        expected = scores[row, [rows[key] for key in item_keys]]
        np.testing.assert_allclose(listed_scores, expected, atol=1e-4)
    weighed, inputs = model.weigh(history.interactions), model.inputs(history.vectors)
    as_of = filled.rows(
        "select max(as_of) from interest_totals where user_key = %(key)s",
        key=int(history.user_keys[3]),
    )[0][0]
    assert isinstance(as_of, date)
    one_pass = state_of(weighed, users[3:4], inputs, model.half_lives, day_number(as_of))
    found = np.array([np.fromstring(text.strip("[]"), sep=",") for _, text, _ in totals])
    np.testing.assert_allclose(found, one_pass.totals[0], rtol=1e-5, atol=1e-5)


def test_live_queries_give_the_personal_part_of_a_learned_score(filled: Tenant) -> None:
    """`<#>` over both tables, against the lists' scores less what is the same for all users."""
    let_serve(filled, made_for(filled, tau=np.zeros(7, np.float32), tau_by_mass=np.zeros(7, "f4")))
    run_nights(filled, NIGHTS)
    rows = filled.rows(
        "select score, -(vector <#> (select sum(vector) from user_interests where"
        " user_id = listed.user_id and night = %(night)s))"
        " from recommendations as listed inner join item_vectors using (item_id)"
        " where user_id in (select user_id from user_interests where night = %(night)s)",
        night=LAST,
    )
    scores, live = np.array(rows, np.float64).T
    assert len(scores) > 50
    np.testing.assert_allclose(live, scores, atol=0.02 * np.abs(scores).max())


def test_an_item_that_is_not_available_has_its_vector_all_the_same(filled: Tenant) -> None:
    let_serve(filled, made_for(filled))
    filled.items({"item_id": "i3", "title": "red lamp", "available": False})
    run_nights(filled, NIGHTS)
    assert filled.rows("select is_available from item_vectors where item_id = 'i3'") == [(False,)]


def test_a_learned_model_goes_on_serving_until_its_vectors_or_its_preset_change(
    filled: Tenant, tmp_path: Path
) -> None:
    learned = let_serve(filled, made_for(filled))
    run_nights(filled, NIGHTS[:2])
    assert states(filled) == [("zero-shot", "kept"), ("interest", "serving")]

    wider = filled.settings.model_copy(
        update={"encoder": str(save_tiny(tmp_path / "wider", width=32))}
    )
    run_nights(Tenant(filled.warehouse, wider), NIGHTS[2:3])
    assert states(filled) == [
        ("zero-shot", "retired"),
        ("interest", "kept"),
        ("zero-shot", "serving"),
    ]
    ((step, note),) = filled.rows(NOTES)
    assert step == "embed_items"
    assert "the model before was made for others" in str(note)
    with pytest.raises(UnknownModel, match="was made for the encoder"):
        serve_model(filled.warehouse, wider, learned.model_id)

    other = filled.settings.model_copy(update={"preset": "media"})
    run_nights(Tenant(filled.warehouse, other), NIGHTS[3:4])
    with pytest.raises(UnknownModel, match="was made for the preset shop, and media is set"):
        serve_model(filled.warehouse, other, learned.model_id)


def test_a_model_is_packed_to_the_bit(filled: Tenant) -> None:
    model = made_for(filled)
    again = unpack(pack(model))
    assert again.fingerprint("e") == model.fingerprint("e")
    assert (again.half_lives, again.earned_at) == (model.half_lives, model.earned_at)


BREAK = {
    "missing": "update models set artifact = null where state = 'serving'",
    "damaged": "update models set artifact = set_byte(artifact, 200, 7) where state = 'serving'",
    "cannot be read": "update models set artifact = '\\x00', artifact_sha256 = sha256('\\x00')"
    " where state = 'serving'",
    "those of another model": "update models set model_id = 'interest-other'"
    " where state = 'serving'",
}


@pytest.mark.parametrize("problem", BREAK)
def test_a_night_whose_model_does_not_load_serves_the_last_good_one(
    filled: Tenant, problem: str
) -> None:
    good = keep(filled, made_for(filled, prior_mass=2.0))
    let_serve(filled, made_for(filled))
    run_nights(filled, NIGHTS[:3])
    filled.rows(BREAK[problem])

    run_nights(filled, NIGHTS[3:4])

    served = filled.rows("select distinct model_id, night from recommendations")
    assert served == [(good.model_id, NIGHTS[3])]
    assert filled.rows("select count(*) from nights where state = 'failed'") == [(0,)]
    ((step, note),) = filled.rows(NOTES)
    assert step == "embed_items"
    assert f"{good.model_id} serves instead" in str(note)
    assert problem in str(note)


@pytest.mark.parametrize("step", PUBLISHED[2:5])
def test_a_model_that_breaks_in_the_middle_of_a_night_is_replaced_there(
    filled: Tenant, step: str
) -> None:
    """By one that was not kept up to date; the lists are those of a night that began with it."""
    let_serve(filled, made_for(filled))
    place = PUBLISHED.index(step)
    for earlier in PUBLISHED[:place]:
        nightly.run_step(earlier, LAST, filled.settings)
    filled.rows("update models set artifact = null where state = 'serving'")
    for later in PUBLISHED[place:]:
        nightly.run_step(later, LAST, filled.settings)
    found = filled.rows(LISTS)
    assert filled.rows("select step from nights where note is not null") == [(step,)]

    run_nights(emptied(filled), [LAST])
    assert filled.rows(LISTS) == found


def test_where_no_kept_model_loads_the_zero_shot_one_serves(filled: Tenant) -> None:
    keep(filled, made_for(filled, prior=np.full((2, 3), np.nan, np.float32)))
    let_serve(filled, made_for(filled))
    filled.rows("update models set artifact = null where state = 'serving'")
    run_nights(filled, NIGHTS[:2])
    assert states(filled) == [
        ("zero-shot", "serving"),
        ("interest", "kept"),
        ("interest", "kept"),
    ]
    assert filled.rows("select distinct strategy, variant from recommendations") == [
        ("personal", "content")
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"earned_at": float("inf")}, "not finite"),
        ({"p_in": np.zeros((8, 3), np.float32)}, "for vectors of 8 coordinates, not of 16"),
    ],
)
def test_parameters_that_cannot_be_used_do_not_load(
    filled: Tenant, change: dict[str, object], problem: str
) -> None:
    stored = keep(filled, made_for(filled, **change))
    with filled.warehouse.transaction() as session, pytest.raises(BrokenModel, match=problem):
        load_live(session, stored)


def test_late_events_reach_a_kept_model_before_it_serves_again(filled: Tenant) -> None:
    """The zero-shot model, while a learned one serves."""
    zero_shot = str(filled.rows("select model_id from models")[0][0])
    events = made_events()
    late = [row for n, row in enumerate(events) if n % 7 == 0]
    filled.rows(
        "delete from app.events where event_id = any(%(ids)s)",
        ids=[row["event_id"] for row in late],
    )
    run_nights(filled, NIGHTS)
    learned = let_serve(filled, made_for(filled))
    filled.events(*late)
    later = filled.settings.model_copy(update={"late_days": 30})
    run_nights(Tenant(filled.warehouse, later), [LAST])
    found = filled.rows(TOTALS, model_id=learned.model_id)

    serve_model(filled.warehouse, filled.settings, zero_shot)
    run_nights(filled, [LAST])
    back = filled.rows(TOTALS, model_id=zero_shot), filled.rows(LISTS), filled.rows(SHOWN)

    run_nights(emptied(filled), NIGHTS)
    assert (
        filled.rows(TOTALS, model_id=zero_shot),
        filled.rows(LISTS),
        filled.rows(SHOWN),
    ) == back
    let_serve(filled, made_for(filled))
    assert filled.rows(TOTALS, model_id=learned.model_id) == found


def test_a_retired_model_leaves_nothing_but_its_parameters(filled: Tenant) -> None:
    zero_shot = str(filled.rows("select model_id from models")[0][0])
    learned = let_serve(filled, made_for(filled))
    run_nights(filled, NIGHTS)
    key = {"key": learned.model_key}
    count = "select count(*) from {} where model_key = %(key)s"
    assert filled.rows(count.format("daily_interests"), **key) != [(0,)]
    with pytest.raises(UnknownModel, match="let another one serve first"):
        retire_model(filled.warehouse, learned.model_id)

    serve_model(filled.warehouse, filled.settings, zero_shot)
    retire_model(filled.warehouse, learned.model_id)

    for table in STATE:
        assert filled.rows(count.format(table), **key) == [(0,)]
    assert filled.rows("select artifact is not null from models where model_key = %(key)s", **key)
    with pytest.raises(UnknownModel, match="is retired, and only a kept one can serve"):
        serve_model(filled.warehouse, filled.settings, learned.model_id)
    with pytest.raises(UnknownModel, match="is not there; `ebbtide models` lists"):
        retire_model(filled.warehouse, "interest-none")
