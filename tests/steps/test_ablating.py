"""What each part of the model is worth: measured, kept with the model, and shown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from worlds import Deed, catalogue_of, history_of

from recsys_tasks import nightly
from recsys_tasks.ablating import WHOLE, ablate, cases
from recsys_tasks.errors import BadSettings, NoModel, NothingToEvaluate
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.settings import preset_of
from recsys_tasks.settings.privacy import Privacy
from recsys_tasks.training import TrainingData, TrainingOptions

from .tenant import Tenant
from .test_modelling import DAYS

ALWAYS_THERE = [WHOLE, "text", "ids", "trends", "gains", "several half-lives"]


def fill_with_fashion(tenant: Tenant) -> None:
    """What somebody takes to all do within two days; neither names nor age tell of it."""
    old = datetime(2020, 1, 1, tzinfo=UTC)
    tenant.items(*({"item_id": f"{n:02}", "created_at": old} for n in range(50)))
    tenant.events(
        *(
            {"user_id": f"u{user}", "item_id": f"{max(n - user % 3, 0) * 17 % 50:02}", "day": day}
            for n, day in enumerate(DAYS)
            for user in range(9)
        )
    )


def test_what_carries_the_lists_is_worth_something_and_is_kept(tenant: Tenant) -> None:
    fill_with_fashion(tenant)
    nightly.run_night(tenant.settings, DAYS[-1])
    tenant.rows("update models set validation = '{\"serves\": true}' returning 1")
    told: list[str] = []
    found = ablate(tenant.warehouse, tenant.settings, on_stage=told.append)

    rows = {row.without: row for row in found.rows}
    assert list(rows) == ALWAYS_THERE
    assert [stage for stage in told if "without" in stage] == [
        f"training without {part}" for part in ALWAYS_THERE
    ]
    assert tuple(rows[WHOLE])[2:] == (0, 0, 0)
    assert rows["trends"].ci_high < 0
    for row in found.rows:
        assert row.ndcg - row.difference == pytest.approx(rows[WHOLE].ndcg)
        assert row.ci_low <= row.difference <= row.ci_high
    assert DAYS[0] < found.since < found.until == DAYS[-1] + timedelta(days=1)
    assert found.n <= 9 * (found.until - found.since).days

    ((kept,),) = tenant.rows("select validation from models where state = 'serving'")
    assert isinstance(kept, dict)
    assert kept["serves"] is True
    assert [row["without"] for row in kept["ablations"]["rows"]] == ALWAYS_THERE
    assert kept["ablations"]["rows"][3]["difference"] == rows["trends"].difference
    assert kept["ablations"]["since"] == str(found.since)


def test_before_the_first_night_it_says_so(tenant: Tenant) -> None:
    with pytest.raises(NoModel):
        ablate(tenant.warehouse, tenant.settings)


def test_where_nobody_took_to_anything_it_says_so(tenant: Tenant) -> None:
    tenant.items({"item_id": "1"})
    tenant.events({"item_id": "1", "event_type": "return", "day": DAYS[0]})
    nightly.run_night(tenant.settings, DAYS[0])
    with pytest.raises(NothingToEvaluate):
        ablate(tenant.warehouse, tenant.settings)


def test_where_what_users_share_is_noised_it_is_refused(tenant: Tenant) -> None:
    noised = tenant.settings.model_copy(update={"privacy": Privacy(epsilon=1)})
    with pytest.raises(BadSettings, match="exact_models"):
        ablate(tenant.warehouse, noised)


def test_a_part_is_left_out_of_training_and_of_what_is_read_later(tenant: Tenant) -> None:
    deeds = [Deed(user, item, day) for user in range(3) for item in range(4) for day in (1, 2)]
    happened = history_of(deeds)
    signs = np.where(happened.users == 1, -1, 1).astype(np.float32)
    happened = replace(
        happened, weights=signs, text_weights=np.full(len(happened), 0.5, np.float32)
    )
    data = TrainingData(
        happened,
        catalogue_of(4, vectors=np.eye(4, dtype=np.float32)),
        np.arange(4, dtype=np.int32),
        np.eye(4, dtype=np.float32),
        ZeroShot.of(preset_of(tenant.settings)),
    )
    found = {case.without: case for case in cases(data, TrainingOptions())}

    assert list(found) == [*ALWAYS_THERE, "user texts", "negatives"]
    assert not found["text"].data.vectors.any()
    assert not found["text"].data.catalogue.vectors.any()
    assert len(found["several half-lives"].data.zero_shot.half_lives) == 1
    assert found["ids"].options.without == {"ids"}
    assert not found["user texts"].seen(happened).text_weights.any()
    assert found["negatives"].seen(happened).users.tolist() == [
        user for user in happened.users.tolist() if user != 1
    ]
    assert found[WHOLE].seen(happened) is happened
