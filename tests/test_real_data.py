"""A real shop, with the real encoder: the night and the backtest are one function.

Skipped, with the reason, where the data sets are not beside the checkout.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from recsys_tasks import nightly
from recsys_tasks.interactions import day_number
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.loading import load_folder
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import read_history
from recsys_tasks.warehouse.models import serving_model

NIGHT = date(2011, 11, 30)
LISTS = """
select user_key, item_keys, scores
from recommendation_lists
where night = %(night)s
order by user_key
"""


@pytest.mark.slow
def test_a_real_night_ranks_as_the_backtest_does(
    warehouse: Warehouse, settings: Settings, shared_data: Path
) -> None:
    """Recurrence and parallel form agree to 1e-4 over a year of a shop's history."""
    reports = load_folder(warehouse, shared_data / "online-retail")
    assert [report.kept for report in reports] == [3676, 4362, 404876]
    nightly.run_night(settings, NIGHT - timedelta(days=5))
    nightly.run_night(settings, NIGHT)  # the days between are made up for
    preset = preset_of(settings)
    with warehouse.transaction() as session:
        model = serving_model(session)
        history = read_history(session, preset, model, NIGHT + timedelta(days=1))
        listed = session.select(LISTS, {"night": NIGHT})
    content = InterestScorer("content", ZeroShot.of(preset), history.vectors)
    content.fit(history.interactions, history.catalogue, day_number(NIGHT) + 1)
    rows = {int(key): row for row, key in enumerate(history.item_keys)}
    users = np.searchsorted(history.user_keys, [user_key for user_key, *_ in listed])
    scores = content.scores(history.interactions, users.astype(np.int32), day_number(NIGHT) + 1)
    assert len(listed) > 4000
    for row, (_, item_keys, listed_scores) in enumerate(listed):
        expected = scores[row, [rows[key] for key in item_keys]]
        shift = np.mean(listed_scores) - expected.mean()  # trends are centred over another set
        np.testing.assert_allclose(listed_scores, expected + shift, atol=1e-4)
