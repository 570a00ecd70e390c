"""What is said of encoders that are added, compared, switched and retired."""

from pathlib import Path

from encoders import save_tiny

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def test_an_encoder_is_added_compared_switched_to_and_back_and_retired(
    shop: Warehouse, ebbtide: Ebbtide, tmp_path: Path
) -> None:
    del shop
    other = save_tiny(tmp_path / "other", seed=1)
    ebbtide("night", DAYS[-1].isoformat())
    assert "No other one was added" in ebbtide("encoders").out

    added = ebbtide("encoders", "add", "new", "--model", other, "--dim", 8)
    assert added.status == 0
    assert "8 dimensions" in added.out
    listed = ebbtide("encoders").out
    assert "The encoder that the settings name serves" in listed
    assert listed.splitlines()[-1].split()[:2] == ["new", "beside"]

    compared = ebbtide("encoders", "compare", "new").out
    assert "NDCG@10 with new" in compared
    assert "difference" in compared
    assert "serves from now on, with zero-shot-" in ebbtide("encoders", "switch", "new").out
    assert ebbtide("encoders").out.splitlines()[-1].split()[:2] == ["new", "serving"]
    assert_one_line(ebbtide("encoders", "retire", "new").err)

    ebbtide("encoders", "switch", "settings")
    assert ebbtide("encoders", "retire", "new").out.endswith("is retired.\n")
    assert "No other one was added" in ebbtide("encoders").out


def test_an_encoder_is_tuned_and_has_to_win(shop: Warehouse, ebbtide: Ebbtide) -> None:
    del shop
    ebbtide("night", DAYS[-1].isoformat())
    answer = ebbtide("encoders", "tune", "own", "--passes", 1, "--window", 2, "--switch")

    assert answer.status == 0
    assert "tuned from" in answer.out
    assert "NDCG@10 with own" in answer.out
    assert ("What served goes on." in answer.out) != ("It serves from now on." in answer.out)
    assert "own" in ebbtide("encoders").out
    assert_one_line(ebbtide("encoders", "tune", "own", "--passes", 2).err)


def test_what_cannot_be_added_is_said_in_one_line(
    shop: Warehouse, ebbtide: Ebbtide, tmp_path: Path
) -> None:
    del shop
    for arguments, said in (
        (("--pooling", "none"), "RECSYS_ENCODER_POOLING"),
        (("--model", tmp_path / "nowhere"), "there is no such folder"),
    ):
        answer = ebbtide("encoders", "add", "new", *arguments)
        assert answer.status == 1
        assert_one_line(answer.err)
        assert said in answer.err
