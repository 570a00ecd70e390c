"""What is said of experiments."""

import pytest

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def test_an_experiment_is_shown_with_the_nights_that_it_takes(
    shop: Warehouse, ebbtide: Ebbtide, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    assert "Nothing to compare yet" in ebbtide("experiments").out
    monkeypatch.setenv("RECSYS_VARIANTS", '{"bold": {"share": 0.5, "diversity": 0.9}}')
    monkeypatch.setenv("RECSYS_VARIANT_SALT", "6")  # two users of four
    ebbtide("replay", "--since", DAYS[0], "--until", DAYS[-1])

    answer = ebbtide("experiments", "--difference", 0.2)

    assert answer.status == 0
    assert "95% intervals over users" in answer.out
    lines = [line.split() for line in answer.out.splitlines() if line.startswith("bold")]
    assert ["content", "new"] in [line[1:3] for line in lines]
    assert "Nights to see a difference of 0.2 in ndcg@10" in answer.out


def test_a_variant_that_is_misspelt_is_said_in_one_line(
    ebbtide: Ebbtide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_VARIANTS", '{"bold": {"share": 0.5, "divers": 0.9}}')
    answer = ebbtide("experiments")
    assert answer.status == 1
    assert_one_line(answer.err)
    assert "RECSYS_VARIANTS.bold.divers" in answer.err


def test_an_unknown_metric_is_wrong_usage(ebbtide: Ebbtide) -> None:
    assert ebbtide("experiments", "--metric", "profit").status == 2
