"""The command decay."""

import json
from pathlib import Path

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, N_USERS, Ebbtide, assert_one_line


def test_decay_shows_every_policy_and_the_rows_as_json(
    ebbtide: Ebbtide, shop: Warehouse, tmp_path: Path
) -> None:
    del shop
    answer = ebbtide("decay", "--since", DAYS[2], "--json", tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text("utf-8"))

    assert (answer.status, answer.err) == (0, "")
    assert f"{DAYS[2]} until " in answer.out
    for title in ("target new, personal part", "target all, whole score"):
        assert title in answer.out
    variants = {row["variant"] for row in rows}
    assert {"no_decay", "fixed_alpha_0.9", "half_life_14", "several_half_lives_personal"} < variants
    assert {"learned", "learned_personal", "learned_single"} < variants
    assert {name for name in variants if f"\n{name} " not in answer.out} == set()
    assert {(row["night"], row["segment"], row["k"]) for row in rows} == {
        (str(DAYS[-1]), "all", 10)
    }
    assert {row["n"] for row in rows if row["target"] == "all"} == {3 * N_USERS}


def test_decay_changes_nothing_that_is_served(ebbtide: Ebbtide, shop: Warehouse) -> None:
    count = "select count(*) from recsys.{}"
    ebbtide("night", DAYS[-1])
    tables = ("evaluations", "recommendations", "nights", "user_interests")
    with shop.transaction() as session:
        before = [session.select(count.format(table)) for table in tables]
    answer = ebbtide("decay", "--sample", "3", "--no-learned")

    assert answer.status == 0
    with shop.transaction() as session:
        assert [session.select(count.format(table)) for table in tables] == before


def test_decay_without_events_says_so_in_one_line(ebbtide: Ebbtide, warehouse: Warehouse) -> None:
    del warehouse
    answer = ebbtide("decay")

    assert answer.status == 1
    assert_one_line(answer.err)
