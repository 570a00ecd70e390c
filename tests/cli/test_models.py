"""What is said of training, and of the models that there are."""

from functools import partial
from pathlib import Path

import pytest
from models import learned_of

from recsys_tasks import modelling
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.modelling import Fitted, Request
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.history import History

from .shop import DAYS, Ebbtide, assert_one_line


def fitter(history: History, zero_shot: ZeroShot, until: int, request: Request) -> Fitted:
    """A model of random numbers."""
    del zero_shot
    model = learned_of(history.item_keys.tolist(), history.vectors.shape[1], seed=request.seed)
    past = history.interactions.before(until)
    return Fitted(model, {"interactions": len(past), "seconds": 1.5})


@pytest.fixture(autouse=True)
def _trains_in_a_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECSYS_VAR", str(tmp_path))
    monkeypatch.setattr(modelling, "train", partial(modelling.train, fitter=fitter))


def test_train_says_what_came_of_it_and_models_lists_it(shop: Warehouse, ebbtide: Ebbtide) -> None:
    del shop
    ebbtide("night", DAYS[-1].isoformat())
    answer = ebbtide("train", "--seed", 3)

    assert answer.status == 0
    assert "NDCG@10 of zero-shot-" in answer.out
    assert "It does not win beyond noise" in answer.out
    listed = ebbtide("models")
    assert listed.status == 0
    serving, kept = [line.split() for line in listed.out.splitlines()[1:]]
    assert serving[1:3] == ["zero-shot", "serving"]
    assert kept[1:3] == ["interest", "kept"]
    assert kept[-1] == "NDCG@10"


def test_a_model_is_forced_taken_back_and_retired(shop: Warehouse, ebbtide: Ebbtide) -> None:
    ebbtide("night", DAYS[-1].isoformat())
    assert "serves from now on" in ebbtide("train", "--force").out
    with shop.transaction() as session:
        rows = session.select("select model_id from models order by model_key")
    zero_shot, learned = (model_id for (model_id,) in rows)

    answer = ebbtide("models", "serve", zero_shot)
    assert answer.out == f"{zero_shot} serves from now on; the next night makes its lists.\n"
    assert ebbtide("models", "retire", learned).out == f"{learned} is retired.\n"


def test_who_trains_before_the_first_night_is_told_to_run_one(
    shop: Warehouse, ebbtide: Ebbtide
) -> None:
    del shop
    assert "There is no model yet" in ebbtide("models").out
    answer = ebbtide("train")
    assert answer.status == 1
    assert_one_line(answer.err)
    assert "run a whole night" in answer.err


def test_a_model_that_is_not_there_is_said_in_one_line(shop: Warehouse, ebbtide: Ebbtide) -> None:
    del shop
    answer = ebbtide("models", "serve", "interest-none")
    assert answer.status == 1
    assert_one_line(answer.err)
    assert "Model 'interest-none' is not there" in answer.err
