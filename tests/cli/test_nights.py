"""Commands that write and judge: load, night, replay, backtest."""

import json
from datetime import timedelta
from pathlib import Path

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, N_DAYS, N_USERS, Ebbtide, assert_one_line

STRETCH = ("--since", str(DAYS[0]), "--until", str(DAYS[-1] + timedelta(days=1)))


def test_a_cut_file_is_loaded_as_far_as_it_goes_and_said(
    ebbtide: Ebbtide, tmp_path: Path, warehouse: Warehouse
) -> None:
    header = "event_id,user_id,item_id,event_type,value,text,occurred_at"
    row = 'e{},u1,i1,purchase,,"a, b",2024-03-01'
    content = "\n".join([header, *(row.format(n) for n in range(10))])
    (tmp_path / "events.csv").write_text(content[: -len('b",2024-03-01')])
    answer = ebbtide("load", tmp_path)

    assert answer.status == 1
    assert_one_line(answer.err)
    assert "events.csv" in answer.err
    assert "events.csv" in answer.out
    with warehouse.transaction() as session:
        assert session.select("select count(*) from app.events") == [(9,)]
    assert " 9 " in answer.out


def test_loading_says_what_was_kept_and_why_the_rest_was_not(
    ebbtide: Ebbtide, tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_text("item_id,title,[/b]\ni1,lamp,x\n,cup,y\n")
    answer = ebbtide("load", tmp_path)

    assert answer.status == 0
    assert answer.err == ""
    assert "items.csv: 1 rejected: " in answer.out
    assert "rejected_interactions" in answer.out


def test_a_night_says_what_each_step_did(ebbtide: Ebbtide, shop: Warehouse) -> None:
    from recsys_tasks.nightly import STEPS

    del shop
    answer = ebbtide("night", DAYS[0])

    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines] == ["step", *STEPS]
    assert f"{N_USERS} interactions" in lines[1]


def test_a_night_that_fails_is_one_line_and_stands_in_the_ledger(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    with shop.transaction() as session:
        session.select("delete from app.items")
    answer = ebbtide("night", DAYS[0])

    assert answer.status == 1
    assert "No item exists on 2024-03-01" in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err
    with shop.transaction() as session:
        assert session.select("select step from nights where state = 'failed'") == [("rank",)]


def test_a_replay_runs_every_night_and_says_how_good_they_were(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    answer = ebbtide("replay", *STRETCH)

    assert (answer.status, answer.err) == (0, "")
    assert f"{N_DAYS} nights in " in answer.out
    assert f"{N_DAYS * N_USERS} interactions" in answer.out
    assert "NDCG@10" in answer.out
    with shop.transaction() as session:
        nights = session.select("select night from published_nights order by night")
    assert nights == [(day,) for day in DAYS]


def test_a_backtest_writes_rows_like_evaluations_and_changes_nothing_served(
    ebbtide: Ebbtide, shop: Warehouse, tmp_path: Path
) -> None:
    ebbtide("night", DAYS[0])
    served = "select * from recommend('u1', 50)"
    with shop.transaction() as session:
        columns = session.table("select * from evaluations limit 0")[0]
        before = session.select(served)
    file = tmp_path / "rows.json"

    answer = ebbtide("backtest", *STRETCH[:1], DAYS[2], *STRETCH[2:], "--json", file)

    assert (answer.status, answer.err) == (0, "")
    assert "content" in answer.out
    rows = json.loads(file.read_text())
    assert {tuple(row) for row in rows} == {columns}
    assert {"content"} < {row["variant"] for row in rows}
    assert {row["night"] for row in rows} == {str(DAYS[-1])}
    with shop.transaction() as session:
        assert session.select(served) == before
        assert session.select("select count(*) from published_nights") == [(1,)]


def test_a_backtest_of_nothing_says_so(ebbtide: Ebbtide, shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.select("delete from app.events")
    answer = ebbtide("backtest")

    assert answer.status == 1
    assert_one_line(answer.err)
