"""The command that keeps the account of noise."""

import json

import pytest

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line

KEY = "a secret of the tests"


def test_without_privacy_it_says_so(ebbtide: Ebbtide, warehouse: Warehouse) -> None:
    del warehouse
    answer = ebbtide("privacy")

    assert (answer.status, answer.err) == (0, "")
    assert "RECSYS_PRIVACY is not set" in answer.out
    assert "similar_users" in answer.out


def test_it_sums_what_nights_told_and_never_shows_the_key(
    ebbtide: Ebbtide, shop: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"epsilon": 2, "evaluation_epsilon": 0.5, "model_epsilon": 3}
    monkeypatch.setenv("RECSYS_PRIVACY", json.dumps(asked))
    monkeypatch.setenv("RECSYS_NOISE_KEY", KEY)
    for day in DAYS[:2]:
        assert ebbtide("night", day).status == 0

    answer = ebbtide("privacy", "--releases", "2")

    assert (answer.status, answer.err) == (0, "")
    assert "epsilon 2 for all that one person did in one day" in answer.out
    assert "models: epsilon 3 a training" in answer.out
    with shop.transaction() as session:
        (n_days,) = session.select("select count(*) from interaction_days")[0]
    assert any(
        line.split()[:3] == ["trends", str(n_days), str(n_days)] for line in answer.out.splitlines()
    )
    assert any(
        line.split()[:4] == ["evaluations", "1", "1", "0.5"] for line in answer.out.splitlines()
    )
    assert KEY not in answer.out
    assert "count exactly, until" not in answer.out


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ('{"epsilon": 1}', "RECSYS_NOISE_KEY"),
        ('{"epsilon": 0}', "RECSYS_PRIVACY.epsilon"),
        ('{"epsilom": 1}', "RECSYS_PRIVACY.epsilo"),
        ("yes", "RECSYS_PRIVACY: Input should be a valid dictionary"),
    ],
)
def test_what_cannot_be_is_refused(
    ebbtide: Ebbtide, monkeypatch: pytest.MonkeyPatch, value: str, named: str
) -> None:
    monkeypatch.setenv("RECSYS_PRIVACY", value)
    answer = ebbtide("privacy")

    assert answer.status == 1
    assert_one_line(answer.err)
    assert named in answer.err
