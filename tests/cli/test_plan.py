"""The command plan: what a night will cost, before the first one and after some."""

import json
from pathlib import Path

from recsys_tasks.nightly import STEPS
from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def planned(ebbtide: Ebbtide, folder: Path, *options: object) -> dict[str, dict[str, float]]:
    """What the JSON says."""
    answer = ebbtide("plan", "--json", folder / "plan.json", *options)
    assert (answer.status, answer.err) == (0, "")
    facts: dict[str, dict[str, float]] = json.loads((folder / "plan.json").read_text("utf-8"))
    return facts


def test_a_plan_names_every_step_and_is_scaled_on_demand(
    ebbtide: Ebbtide, shop: Warehouse, tmp_path: Path
) -> None:
    del shop
    answer = ebbtide("plan")
    assert [line.split()[0] for line in answer.out.splitlines()[3 : 3 + len(STEPS)]] == list(STEPS)
    assert "by measured nights" in answer.out
    small = planned(ebbtide, tmp_path)
    large = planned(ebbtide, tmp_path, "--users", 10_000_000, "--items", 1_000_000)

    assert large["sizes"]["users"] == 10_000_000
    assert large["forecast"]["product_seconds"] > 1_000 * small["forecast"]["product_seconds"]
    assert large["disk"]["after"] > large["disk"]["standing"] > small["disk"]["standing"]
    assert any("RECSYS_SHARDS" in sentence for sentence in large["advice"])


def test_nights_that_have_run_tell_their_own_cost(
    ebbtide: Ebbtide, shop: Warehouse, tmp_path: Path
) -> None:
    for day in DAYS[:2]:
        ebbtide("night", day)
    with shop.transaction() as session:
        session.select(
            "update nights set finished_at = started_at + interval '70 s' where step = 'rank'"
        )

    told = planned(ebbtide, tmp_path)["forecast"]

    assert told["nights"] == 1  # the first one is no witness
    assert round(told["seconds"]["rank"]) == 70  # type: ignore[index]
    assert "by this database's last nights (1)" in ebbtide("plan").out


def test_a_source_that_is_not_there_is_named(ebbtide: Ebbtide) -> None:
    answer = ebbtide("plan")

    assert answer.status == 1
    assert_one_line(answer.err)
    assert "source app" in answer.err
