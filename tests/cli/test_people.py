"""The commands erase, verify, export and maintain."""

import json
from pathlib import Path

import pytest

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, N_USERS, Ebbtide, assert_one_line


@pytest.fixture
def night(ebbtide: Ebbtide, shop: Warehouse) -> Warehouse:
    assert ebbtide("night", DAYS[0]).status == 0
    return shop


@pytest.mark.usefixtures("night")
def test_an_erasure_prints_its_report_and_the_report_is_genuine(
    ebbtide: Ebbtide, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"

    answer = ebbtide("erase", "u1")

    assert answer.status == 0
    assert json.loads(answer.out)["rows"]["interactions"] == 1
    assert "still has 5 rows of them" in " ".join(answer.err.split())
    assert ebbtide("erase", "u1", "--output", file).out == ""
    assert file.read_text("utf-8") == answer.out
    assert ebbtide("verify", file, "u1").out.startswith("Genuine: ")
    assert_one_line(ebbtide("verify", file, "u2").err)
    assert ebbtide("recommend", "u1").status == 0
    assert "strategy cold_start" in ebbtide("recommend", "u1").out


@pytest.mark.usefixtures("night")
def test_an_erasure_can_reach_the_tables_of_load(ebbtide: Ebbtide) -> None:
    report = json.loads(ebbtide("erase", "u1", "--source").out)

    assert (report["rows"]["app.events"], report["rows_in_source"]) == (5, 0)


@pytest.mark.usefixtures("night")
def test_who_is_not_known_is_said_in_one_line_and_can_be_kept_out(ebbtide: Ebbtide) -> None:
    for command in ("erase", "export"):
        answer = ebbtide(command, "u99")
        assert answer.status == 1
        assert "Nothing is held about user 'u99' in recsys" in answer.err
        assert_one_line(answer.err)
    assert "--tombstone" in ebbtide("erase", "u99").err
    assert ebbtide("erase", "u99", "--tombstone").status == 0


@pytest.mark.usefixtures("night")
def test_an_export_is_json(ebbtide: Ebbtide, tmp_path: Path) -> None:
    file = tmp_path / "u1.json"

    found = json.loads(ebbtide("export", "u1").out)

    assert found["user_id"] == "u1"
    assert len(found["tables"]["interactions"]) == 1
    ebbtide("export", "u1", "--output", file)
    assert json.loads(file.read_text("utf-8"))["tables"] == found["tables"]


@pytest.mark.usefixtures("night")
def test_maintenance_says_what_it_did(ebbtide: Ebbtide) -> None:
    answer = ebbtide("maintain")

    assert answer.status == 0
    assert f"{N_USERS}  totals checked" in answer.out
    assert "0  totals mended" in answer.out


@pytest.mark.parametrize("command", ["erase", "export"])
@pytest.mark.usefixtures("night")
def test_a_file_that_cannot_be_written_is_said_in_one_line(
    ebbtide: Ebbtide, tmp_path: Path, command: str
) -> None:
    answer = ebbtide(command, "u1", "--output", tmp_path / "no" / "folder.json")

    assert answer.status == 1
    assert_one_line(answer.err)
    assert "cannot be written" in answer.err


@pytest.mark.usefixtures("shop")
def test_a_report_that_is_none_is_said_in_one_line(ebbtide: Ebbtide, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    for content, said in ((None, "cannot be read"), (b"\xff", "cannot be read"), (b"{}", "is no")):
        if content is not None:
            file.write_bytes(content)
        answer = ebbtide("verify", file)
        assert answer.status == 1
        assert said in answer.err
        assert_one_line(answer.err)
