"""The central promise: any order, repetition, delay or split ends in the same tables."""

import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import pytest
from sources import Row

from recsys_tasks import nightly
from recsys_tasks.interactions import day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer, state_of
from recsys_tasks.settings import preset_of
from recsys_tasks.steps import accumulate, merge
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import read_history
from recsys_tasks.warehouse.models import serving_model

from .made_days import FIRST, IDLE, LAST, N_DAYS, NIGHTS, made_events
from .tenant import Tenant

TOTALS = """
select users.user_id, half_life, as_of, mass, alpha, total::text
from interest_totals inner join users on interest_totals.user_key = users.user_key
order by users.user_id, half_life
"""
LISTS = """
select user_id, rank, item_id, score, reason, strategy, night
from recommendations
order by user_id, rank
"""
INTERESTS = """
select user_id, half_life, night, mass, alpha, vector::text
from user_interests
order by user_id, half_life, night
"""
TRENDS = "select horizon, rank, item_id, score from trending_items order by horizon, rank"
ACCURACY = """
select night, target, variant, segment, metric, k, value, n
from evaluations
order by night, target, variant, segment, metric, k
"""
TABLES = (TOTALS, LISTS, INTERESTS, TRENDS)
PUBLISHED = nightly.STEPS[:-1]  # all but evaluate, which takes longest and changes no other table
Tables = list[list[tuple[object, ...]]]


def run_nights(tenant: Tenant, nights: Iterable[date], steps: tuple[str, ...] = PUBLISHED) -> None:
    for night in nights:
        for step in steps:
            nightly.run_step(step, night, tenant.settings)


def tables(tenant: Tenant, *statements: str) -> Tables:
    return [tenant.rows(statement) for statement in statements or TABLES]


@pytest.fixture
def in_order(filled: Tenant) -> Tables:
    """What nights in order leave; the warehouse is emptied again, the source stays."""
    run_nights(filled, NIGHTS)
    left = tables(filled)
    assert all(left)
    empty(filled.warehouse)
    return left


def assert_same(found: Tables, expected: Tables) -> None:
    """Table by table, the first row that differs."""
    for rows, others in zip(found, expected, strict=True):
        assert len(rows) == len(others)
        assert (
            next((pair for pair in zip(rows, others, strict=True) if pair[0] != pair[1]), None)
            is None
        )


def empty(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        session.select(f"drop schema {warehouse.schema} cascade")
    warehouse.migrate()


@pytest.mark.parametrize("seed", range(3))
def test_nights_in_any_order_leave_the_same_tables(
    filled: Tenant, in_order: Tables, seed: int
) -> None:
    """To the bit: totals, the last night's lists with reasons, interests and trends."""
    shuffled = random.Random(seed).sample(NIGHTS, N_DAYS)
    run_nights(filled, shuffled)
    assert_same(tables(filled), in_order)


def test_evaluations_do_not_depend_on_the_order_of_nights(filled: Tenant) -> None:
    nights = NIGHTS[-3:]
    run_nights(filled, nights, nightly.STEPS)
    expected = tables(filled, ACCURACY)
    empty(filled.warehouse)
    run_nights(filled, reversed(nights), nightly.STEPS)
    assert expected[0]
    assert_same(tables(filled, ACCURACY), expected)


def test_a_night_again_changes_nothing(filled: Tenant, in_order: Tables) -> None:
    run_nights(filled, [*NIGHTS, NIGHTS[3], NIGHTS[-1], NIGHTS[-1]])
    assert_same(tables(filled), in_order)


def test_nights_that_were_missed_are_made_up_for(filled: Tenant, in_order: Tables) -> None:
    """The last night alone takes all the days before it."""
    run_nights(filled, [FIRST, LAST])
    assert_same(tables(filled, TOTALS, LISTS, TRENDS), [in_order[n] for n in (0, 1, 3)])


def test_events_that_come_three_days_late_end_up_where_they_belong(
    filled: Tenant, in_order: Tables
) -> None:
    events = made_events()
    late = [row for n, row in enumerate(events) if n % 10 == 0]
    withhold(filled, late)
    for night in NIGHTS:
        due = night - timedelta(days=3)
        filled.events(*(row for row in late if row["occurred_at"].date() == due))  # type: ignore[attr-defined]
        run_nights(filled, [night])
    filled.events(*late)
    run_nights(filled, [LAST])
    assert_same(tables(filled, TOTALS, LISTS, TRENDS), [in_order[n] for n in (0, 1, 3)])


def withhold(tenant: Tenant, rows: Sequence[Row]) -> None:
    with tenant.warehouse.transaction() as session:
        ids = [row["event_id"] for row in rows]
        session.select("delete from app.events where event_id = any(%(ids)s)", {"ids": ids})


def test_events_that_the_source_took_back_leave_nothing(filled: Tenant, in_order: Tables) -> None:
    extra = [
        {
            "event_id": f"x{n}",
            "user_id": f"u{n % 5}",
            "item_id": f"i{n}",
            "day": LAST - timedelta(days=n % 3),
        }
        for n in range(9)
    ]
    filled.events(*extra)
    run_nights(filled, NIGHTS)
    assert tables(filled, TOTALS) != in_order[:1]
    withhold(filled, extra)
    run_nights(filled, [LAST])
    assert_same(tables(filled, TOTALS, LISTS, TRENDS), [in_order[n] for n in (0, 1, 3)])


@pytest.mark.parametrize("chunk", [1, 7])
def test_any_split_of_the_work_gives_the_same_bits(
    filled: Tenant, in_order: Tables, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(accumulate, "CHUNK", chunk)
    monkeypatch.setattr(merge, "CHUNK", chunk)
    run_nights(filled, [NIGHTS[4], NIGHTS[-1]])
    assert tables(filled, TOTALS) == in_order[:1]


def test_totals_are_those_of_one_pass_over_the_whole_history(filled: Tenant) -> None:
    run_nights(filled, random.Random(5).sample(NIGHTS, N_DAYS))
    preset = preset_of(filled.settings)
    with filled.warehouse.transaction() as session:
        history = read_history(session, preset, serving_model(session), LAST + timedelta(days=1))
        rows = session.select(
            "select user_key, as_of, array_agg(mass order by half_life),"
            " array_agg(total::text order by half_life)"
            " from interest_totals group by user_key, as_of order by user_key"
        )
    assert len(rows) == len(history.user_keys)
    for row, (user_key, as_of, masses, totals) in enumerate(rows):
        assert history.user_keys[row] == user_key
        one_pass = state_of(
            history.interactions,
            np.array([row], np.int32),
            ZeroShot.of(preset).inputs(history.vectors),
            preset.half_lives,
            day_number(as_of),
        )
        np.testing.assert_allclose(masses, one_pass.masses[0], rtol=1e-5)
        found = np.array([np.fromstring(text.strip("[]"), sep=",") for text in totals])
        scale = np.abs(one_pass.totals[0]).max()
        np.testing.assert_allclose(found, one_pass.totals[0], atol=1e-5 * scale)


def test_the_night_ranks_as_the_backtest_does(filled: Tenant) -> None:
    """The recurrence and the parallel form: scores equal to 1e-4."""
    run_nights(filled, NIGHTS)
    preset = preset_of(filled.settings)
    with filled.warehouse.transaction() as session:
        history = read_history(session, preset, serving_model(session), LAST + timedelta(days=1))
        listed = session.select(
            "select user_key, item_keys, scores from recommendation_lists"
            " where night = %(night)s order by user_key",
            {"night": LAST},
        )
    content = InterestScorer("content", ZeroShot.of(preset), history.vectors)
    content.fit(history.interactions, history.catalogue, day_number(LAST) + 1)
    users = np.arange(len(history.user_keys), dtype=np.int32)
    scores = content.scores(history.interactions, users, day_number(LAST) + 1)
    rows = {int(key): row for row, key in enumerate(history.item_keys)}
    assert [user_key for user_key, *_ in listed] == history.user_keys.tolist()
    for row, (_, item_keys, listed_scores) in enumerate(listed):
        expected = scores[row, [rows[key] for key in item_keys]]
        shift = np.mean(listed_scores) - expected.mean()  # trends are centred over another set
        np.testing.assert_allclose(listed_scores, expected + shift, atol=1e-4)


def test_an_idle_day_costs_no_user_anything(filled: Tenant) -> None:
    """No delta, no total and no interest is written for it."""
    run_nights(filled, NIGHTS[:IDLE])
    before = filled.rows("select xmin, ctid from interest_totals order by ctid")
    run_nights(filled, [NIGHTS[IDLE]])
    assert filled.rows("select xmin, ctid from interest_totals order by ctid") == before
    assert filled.rows(f"select count(*) from interests where night = '{NIGHTS[IDLE]}'") == [(0,)]


def test_a_changed_half_life_makes_every_total_anew(filled: Tenant) -> None:
    run_nights(filled, NIGHTS)
    changed = Tenant(filled.warehouse, filled.settings.model_copy(update={"half_lives": (5.0,)}))
    run_nights(changed, [LAST])
    again = changed.rows("select distinct half_life from interest_totals")
    assert again == [(5.0,)]
