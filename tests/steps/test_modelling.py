"""Training on a warehouse: who serves afterwards, and what is written down of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
from models import learned_of
from strategies import MODEL
from worlds import Deed, history_of

from recsys_tasks import nightly
from recsys_tasks.errors import NoModel, NothingToEvaluate
from recsys_tasks.interactions import date_of, day_number
from recsys_tasks.interest_model import Learned, ZeroShot
from recsys_tasks.modelling import Fitted, Request, train
from recsys_tasks.modelling.comparing import MOST_DAYS, Rival, window
from recsys_tasks.warehouse.history import History

from .kept_models import states
from .tenant import Tenant

FIRST = date(2024, 3, 1)
N_DAYS = 20
DAYS = [FIRST + timedelta(days=n) for n in range(N_DAYS)]
END = DAYS[-1] + timedelta(days=1)
N_TRENDS = 2 * 2


@pytest.fixture
def fashion(tenant: Tenant, tmp_path: Path) -> Tenant:
    """Everybody takes to what is new on the day, out of a catalogue of much that is old."""
    tenant = Tenant(tenant.warehouse, tenant.settings.model_copy(update={"var": tmp_path}))
    old = datetime(2020, 1, 1, tzinfo=UTC)
    tenant.items(*({"item_id": f"old{n}", "created_at": old} for n in range(20)))
    tenant.items(
        *(
            {"item_id": f"new{n:02}", "created_at": datetime.combine(day, time(), UTC)}
            for n, day in enumerate(DAYS)
        )
    )
    tenant.events(
        *(
            {"user_id": f"u{user}", "item_id": f"new{n:02}", "day": day}
            for n, day in enumerate(DAYS)
            for user in range(8)
        )
    )
    nightly.run_night(tenant.settings, DAYS[-1])
    return tenant


class Fashion:
    """Fits a model that knows nothing but how much what is new is liked, and counts its calls."""

    def __init__(self, liking: float) -> None:
        self.liking = liking
        self.untils: list[int] = []

    def __call__(
        self, history: History, zero_shot: ZeroShot, until: int, request: Request
    ) -> Fitted:
        """The same model whatever happened, named after the day."""
        del zero_shot
        assert request.checkpoint is not None
        request.checkpoint.touch()
        self.untils.append(until)
        past = history.interactions.before(until)
        return Fitted(self.model(history, until), {"interactions": len(past)})

    def model(self, history: History, until: int) -> Learned:
        """Zero but for the weight of an item's first days."""
        blank = learned_of([], history.vectors.shape[1])
        zeros = {
            name: np.zeros_like(getattr(blank, name))
            for name in ("p_in", "p_out", "prior", "tau", "tau_by_mass")
        }
        tau = np.zeros_like(blank.tau)
        tau[N_TRENDS] = self.liking
        return replace(blank, **{**zeros, "tau": tau}, earned_at=float(until))


def test_a_model_that_wins_beyond_noise_serves(fashion: Tenant) -> None:
    fitter = Fashion(liking=1.0)
    outcome = train(fashion.warehouse, fashion.settings, fitter=fitter)

    found = outcome.comparison
    assert found is not None
    assert (found.candidate_ndcg, found.wins, outcome.serves) == (1.0, True, True)
    assert found.difference == pytest.approx(1.0 - found.rival_ndcg)
    assert fitter.untils == [day_number(found.since), day_number(END)]
    assert states(fashion) == [("zero-shot", "kept"), ("interest", "serving")]
    ((seed, until, facts, validation),) = fashion.rows(
        "select seed, trained_until, trained_on, validation from models where kind = 'interest'"
    )
    assert (seed, until, facts) == (0, END, {"interactions": 8 * N_DAYS})
    assert isinstance(validation, dict)
    assert validation["n"] == found.n == 8 * (END - found.since).days
    assert (validation["rival"], validation["wins"]) == (found.rival, True)

    nightly.run_night(fashion.settings, DAYS[-1])
    served = fashion.rows("select distinct model_id, variant from recommendations")
    assert served == [(outcome.model_id, "interest")]


def test_interests_are_ready_when_a_model_begins_to_serve(fashion: Tenant) -> None:
    train(fashion.warehouse, fashion.settings, fitter=Fashion(liking=1.0))
    count = "select count(*) from {} inner join models using (model_key) where state = 'serving'"
    assert fashion.rows(count.format("accumulated_days")) == [(N_DAYS,)]
    assert fashion.rows(count.format("pending_merges")) == [(0,)]


def test_a_model_that_does_not_win_is_kept_and_says_so(fashion: Tenant) -> None:
    before = fashion.rows("select * from recommendations order by user_id, rank")
    outcome = train(fashion.warehouse, fashion.settings, fitter=Fashion(liking=-1.0))

    assert outcome.comparison is not None
    assert not outcome.comparison.wins
    assert not outcome.serves
    assert states(fashion) == [("zero-shot", "serving"), ("interest", "kept")]
    nightly.run_night(fashion.settings, DAYS[-1])
    assert fashion.rows("select * from recommendations order by user_id, rank") == before


def test_force_lets_the_worse_model_serve(fashion: Tenant) -> None:
    outcome = train(fashion.warehouse, fashion.settings, fitter=Fashion(liking=-1.0), force=True)

    assert outcome.serves
    assert states(fashion) == [("zero-shot", "kept"), ("interest", "serving")]


def test_so_many_models_are_kept_and_no_more(fashion: Tenant) -> None:
    settings = fashion.settings.model_copy(update={"keep_models": 1})
    for liking in (1.0, 2.0, 3.0):
        train(fashion.warehouse, settings, fitter=Fashion(liking), force=True)

    assert [state for _, state in states(fashion)] == ["kept", "retired", "kept", "serving"]
    assert fashion.rows("select count(distinct model_key) from accumulated_days") == [(3,)]


def test_to_train_again_in_the_same_way_is_the_same_model(fashion: Tenant) -> None:
    first = train(fashion.warehouse, fashion.settings, fitter=Fashion(liking=1.0))
    again = train(fashion.warehouse, fashion.settings, fitter=Fashion(liking=1.0))

    assert again.model_id == first.model_id
    assert again.comparison is not None
    assert again.comparison.rival_knew_it
    assert states(fashion) == [("zero-shot", "kept"), ("interest", "serving")]


def test_a_training_that_was_cut_off_leaves_nothing_that_serves(fashion: Tenant) -> None:
    def fail(history: History, zero_shot: ZeroShot, until: int, request: Request) -> Fitted:
        del history, zero_shot, until, request
        message = "the lights went out"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        train(fashion.warehouse, fashion.settings, fitter=fail)

    assert states(fashion) == [("zero-shot", "serving")]


def test_the_days_until_one_are_all_that_is_learned_from(fashion: Tenant) -> None:
    fitter = Fashion(liking=1.0)
    outcome = train(fashion.warehouse, fashion.settings, DAYS[10], fitter=fitter)

    assert outcome.trained_until == DAYS[10]
    assert outcome.facts == {"interactions": 8 * 10}
    assert outcome.comparison is not None
    assert outcome.comparison.until == DAYS[10]


def test_what_there_is_to_learn_from_is_said_to_be_missing(tenant: Tenant) -> None:
    with pytest.raises(NoModel):
        train(tenant.warehouse, tenant.settings, fitter=Fashion(1.0))
    tenant.items({"item_id": "i1"})
    nightly.run_night(tenant.settings, FIRST)
    with pytest.raises(NothingToEvaluate):
        train(tenant.warehouse, tenant.settings, fitter=Fashion(1.0))


@pytest.mark.parametrize(
    ("trained_until", "first"),
    [(None, 196), (100, 196), (196, 198), (197, 199), (198, 199), (199, 196), (200, 196)],
)
def test_half_of_what_the_serving_model_does_not_know_is_learned_from(
    trained_until: int | None, first: int
) -> None:
    """Twenty days of one event each: the last fifth is four days."""
    happened = history_of([Deed(0, 0, float(day)) for day in range(180, 200)])
    known = None if trained_until is None else date_of(trained_until)

    assert window(happened, 200, Rival("interest-1", learned_of([], 3), None, known)) == first


def test_a_candidate_is_judged_on_the_last_weeks_only() -> None:
    happened = history_of([Deed(0, 0, float(day)) for day in range(400)])

    assert window(happened, 400, Rival("zero-shot-1", MODEL, None, None)) == 400 - MOST_DAYS
