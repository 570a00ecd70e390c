"""An encoder tuned on a warehouse: judged on days that it does not know, and it has to win."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from encoders import WORDS, save_tiny

from recsys_tasks import nightly
from recsys_tasks.errors import NothingToEvaluate, UnknownEncoder
from recsys_tasks.finetuning import TuningOptions, card_of
from recsys_tasks.modelling import compare_encoder, train, try_encoder, tune_encoder
from recsys_tasks.modelling import tuning as room
from recsys_tasks.settings import Settings

from .tenant import Tenant

FIRST, N_DAYS = date(2024, 5, 1), 20
NIGHTS = [FIRST + timedelta(days=n) for n in range(N_DAYS)]
CUT = FIRST + timedelta(days=14)
OPTIONS = TuningOptions(
    max_passes=12, batch_size=32, learning_rate=3e-3, hard_pool=3, near=0.999, pull=0.0
)
ENCODERS = "select name, state from encoders order by name"


@pytest.fixture
def crowds(tenant: Tenant, tmp_path: Path) -> Tenant:
    """Two crowds, each with items of its own words, and an encoder that knows nothing of it."""
    base = save_tiny(tmp_path / "base", spread=0.3, seed=5)
    settings = tenant.settings.model_copy(update={"encoder": str(base), "var": tmp_path})
    tenant = Tenant(tenant.warehouse, settings)
    halves = WORDS[:5], WORDS[5:]
    titles = [f"{one} {other}" for half in halves for one in half for other in half]
    tenant.items(*({"item_id": f"i{n:02}", "title": title} for n, title in enumerate(titles)))
    rng = np.random.default_rng(0)
    tenant.events(
        *(
            {"user_id": f"u{user}", "item_id": f"i{25 * (user % 2) + item:02}", "day": day}
            for user in range(24)
            for day in NIGHTS
            for item in rng.choice(25, 2, replace=False)
        )
    )
    for step in nightly.STEPS[:-1]:
        nightly.run_step(step, NIGHTS[-1], settings)
    return tenant


def tuned(shop: Tenant, name: str = "tuned", until: date | None = CUT, **changes: object) -> None:
    options = TuningOptions(**{**OPTIONS.facts, **changes})
    tune_encoder(shop.warehouse, shop.settings, name, options, until=until)


def folder_of(settings: Settings, name: str = "tuned") -> Path:
    return settings.var / "models" / settings.schema_name / name


def test_a_tuned_encoder_that_wins_serves(crowds: Tenant) -> None:
    tuned(crowds)
    card = card_of(str(folder_of(crowds.settings)))
    assert card is not None
    assert (card.until, card.steps, card.users) == (CUT, card.planned, 24)
    assert card.losses[-1] < card.losses[0]
    assert crowds.rows(ENCODERS) == [("tuned", "beside")]

    trial = try_encoder(crowds.warehouse, crowds.settings, "tuned")
    assert trial.comparison.since >= CUT
    assert trial.comparison.wins
    assert trial.serves
    assert crowds.rows(ENCODERS) == [("tuned", "serving")]


def test_one_that_does_not_win_stays_beside(crowds: Tenant) -> None:
    """No step is taken: it is the base by another name."""
    tuned(crowds, minutes=1e-9)

    assert not try_encoder(crowds.warehouse, crowds.settings, "tuned").serves
    assert crowds.rows(ENCODERS) == [("tuned", "beside")]


def test_nothing_is_judged_on_days_that_the_weights_have_learned_from(crowds: Tenant) -> None:
    late = NIGHTS[-1]
    tuned(crowds, until=late, max_passes=1)
    found = compare_encoder(crowds.warehouse, crowds.settings, "tuned")
    assert (found.since, found.until) == (late, late + timedelta(days=1))

    tuned(crowds, "all", until=late + timedelta(days=1), max_passes=1)
    with pytest.raises(NothingToEvaluate):
        compare_encoder(crowds.warehouse, crowds.settings, "all")
    with pytest.raises(NothingToEvaluate):
        train(crowds.warehouse, crowds.settings, encoder="all")


def test_without_a_cut_all_days_that_it_is_judged_on_are_left_out(crowds: Tenant) -> None:
    tuned(crowds, until=None, max_passes=1)
    card = card_of(str(folder_of(crowds.settings)))
    found = compare_encoder(crowds.warehouse, crowds.settings, "tuned")

    assert card is not None
    assert found.since == card.until < NIGHTS[-1]


def test_the_same_again_trains_nothing_and_another_wants_a_name_of_its_own(
    crowds: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned(crowds, max_passes=1)
    monkeypatch.delattr(room, "_train")

    tuned(crowds, max_passes=1)
    with pytest.raises(UnknownEncoder, match="another one"):
        tuned(crowds, max_passes=2)
    with pytest.raises(UnknownEncoder, match="not there"):
        tune_encoder(crowds.warehouse, crowds.settings, "new", OPTIONS, base="nobody")


def test_a_place_without_pairs_has_nothing_to_tune_on(crowds: Tenant) -> None:
    with pytest.raises(NothingToEvaluate):
        tuned(crowds, until=FIRST)
    assert not folder_of(crowds.settings).exists()
