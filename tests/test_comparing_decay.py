from datetime import date, timedelta

import numpy as np
import pytest
from worlds import Deed, catalogue_of, history_of

from recsys_tasks.comparing_decay import Comparison, Table, compared
from recsys_tasks.errors import NothingToEvaluate
from recsys_tasks.evaluation.baselines import Popular
from recsys_tasks.interactions import date_of
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.settings import preset_of, read_settings
from recsys_tasks.warehouse.history import History

N_USERS, N_OF_A_KIND, TURN, SINCE, UNTIL = 6, 14, 20, 24, 28
SETTINGS = read_settings(preset="shop")


def turncoats() -> History:
    """Everybody takes to one kind of items, and from day TURN on to the other."""
    of_kind = np.eye(2, dtype=np.float32).repeat(N_OF_A_KIND, axis=0)
    deeds = [
        Deed(user, (day + user) % (N_OF_A_KIND // 2) + (N_OF_A_KIND if day >= TURN else 0), day)
        for user in range(N_USERS)
        for day in range(UNTIL)
    ]
    keys = np.arange(N_USERS), np.arange(2 * N_OF_A_KIND)
    catalogue = catalogue_of(2 * N_OF_A_KIND, vectors=of_kind)
    user_keys, item_keys = (part.astype(np.int32) for part in keys)
    return History(history_of(deeds), catalogue, user_keys, item_keys, of_kind)


def replayed(**changes: object) -> Comparison:
    history = turncoats()
    return compared(history, SETTINGS, date_of(SINCE), date_of(UNTIL), **changes)  # type: ignore[arg-type]


def table_of(found: Comparison, target: str, part: str) -> Table:
    return next(table for table in found.tables if (table.target, table.part) == (target, part))


def test_after_a_turn_of_taste_what_forgets_wins() -> None:
    found = table_of(replayed(), "new", "personal")
    rows = {row.variant: row for row in found.rows}
    best = rows[found.best_fixed]

    assert best.ndcg.mean > rows["no_decay_personal"].ndcg.mean
    assert rows["no_decay_personal"].gap.high < 0
    assert rows["fixed_alpha_0.5_personal"].ndcg.mean > rows["fixed_alpha_0.99_personal"].ndcg.mean


def test_the_gap_is_paired_and_the_best_fixed_policys_own_is_0() -> None:
    for table in replayed().tables:
        rows = {row.variant: row for row in table.rows}
        best = rows[table.best_fixed]

        assert tuple(best.gap[:3]) == (0, 0, 0)
        for row in table.rows:
            assert row.gap.mean == pytest.approx(row.ndcg.mean - best.ndcg.mean)
            assert row.gap.low <= row.gap.mean <= row.gap.high
        fixed = [row.ndcg.mean for name, row in rows.items() if not name.startswith("several")]
        assert best.ndcg.mean == max(fixed)


def test_one_single_half_life_is_marked_in_each_part_and_is_no_matter_of_the_window() -> None:
    whole = replayed()
    cut = turncoats()
    kept = cut.interactions.where((cut.interactions.times < SINCE) | (cut.interactions.users == 0))
    other = compared(cut._replace(interactions=kept), SETTINGS, date_of(SINCE), date_of(SINCE + 1))

    for table, beside in zip(whole.tables, other.tables, strict=True):
        marked = [row.variant for row in table.rows if row.is_chosen]
        assert len(marked) == 1
        assert marked[0].startswith("half_life_")
        assert marked == [row.variant for row in beside.rows if row.is_chosen]


def test_others_stand_beside_the_policies() -> None:
    history = turncoats()
    model = ZeroShot.of(preset_of(SETTINGS))._replace(half_lives=(3.0,), scales=(7.0,))
    learned = InterestScorer("interest", model, history.vectors)

    found = replayed(others=[learned, Popular()])

    last_ones = {
        (table.target, table.part): [
            row.variant for row in table.rows if row.variant.startswith(("interest", "popular"))
        ]
        for table in found.tables
    }
    assert last_ones == {
        ("new", "personal"): ["interest_personal"],
        ("all", "personal"): ["interest_personal"],
        ("new", "whole"): ["interest", "popular"],
        ("all", "whole"): ["interest", "popular"],
    }


def test_rows_of_evaluations_are_the_tables_figures() -> None:
    found = replayed(max_user_days=10)
    keys = {(row.target, row.variant, row.metric) for row in found.evaluations}

    assert found.user_days == (10, N_USERS * (UNTIL - SINCE))
    assert len(found.evaluations) == len(keys) == 2 * 2 * (16 + 21)
    assert {date_of(row.night) for row in found.evaluations} == {date_of(UNTIL - 1)}
    first = found.tables[0].rows[0]
    assert tuple(found.evaluations[0][6:]) == tuple(first.ndcg)


def test_a_window_without_anybody_is_refused() -> None:
    late = date_of(UNTIL) + timedelta(days=10)

    with pytest.raises(NothingToEvaluate):
        compared(turncoats(), SETTINGS, late, late + timedelta(days=1))
    with pytest.raises(NothingToEvaluate):
        compared(turncoats(), SETTINGS, date(1970, 1, 2), date(1970, 1, 2))
