"""Commands that ask: recommend, similar, sql."""

import pytest
from sources import add_items

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def test_a_list_has_ranks_titles_and_reasons(ebbtide: Ebbtide, shop: Warehouse) -> None:
    """A title is text, whatever it looks like to a terminal."""
    add_items(shop, {"item_id": "i11", "title": "[/b] [red]cup[/red] :cat:"})
    ebbtide("night", DAYS[0])
    answer = ebbtide("recommend", "u1", "-n", "50")

    assert (answer.status, answer.err) == (0, "")
    assert "[/b] [red]cup[/red] :cat:" in answer.out
    assert "because you bought" in answer.out
    assert f"Night {DAYS[0]}, strategy personal." in answer.out
    assert len(ebbtide("recommend", "u1", "-n", "3").out.splitlines()) == 1 + 3 + 1


def test_a_user_never_seen_gets_the_cold_start_list(ebbtide: Ebbtide, shop: Warehouse) -> None:
    del shop
    ebbtide("night", DAYS[0])
    answer = ebbtide("recommend", "nobody")

    assert (answer.status, answer.err) == (0, "")
    assert "popular" in answer.out
    assert "strategy cold_start." in answer.out


def test_before_anything_is_known_nothing_is_recommended(ebbtide: Ebbtide) -> None:
    answer = ebbtide("recommend", "nobody")

    assert (answer.status, answer.err) == (0, "")
    assert "no item is known" in answer.out


def test_similar_items_have_titles_and_leave_the_item_out(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    add_items(shop, {"item_id": "textless", "title": None})
    ebbtide("night", DAYS[0])
    answer = ebbtide("similar", "i01", "-n", "5")

    neighbours = [line.split()[1] for line in answer.out.splitlines()[1:]]
    assert len(neighbours) == 5
    assert "i01" not in neighbours
    assert "has no neighbours" in ebbtide("similar", "textless").out


def test_sql_shows_what_a_query_finds(ebbtide: Ebbtide) -> None:
    answer = ebbtide("sql", "select 1 as one, null as none, '$$ %(x)s [b]' as text")

    assert [line.split() for line in answer.out.splitlines()] == [
        ["one", "none", "text"],
        ["1", "$$", "%(x)s", "[b]"],
    ]
    for statement in ("explain select 1;", "show search_path", "values (1)", "table nights"):
        assert ebbtide("sql", statement).status == 0, statement


@pytest.mark.parametrize(
    "statement",
    [
        "delete from event_types",
        "insert into nights (day) values (current_date)",
        "with gone as (delete from variants returning *) select * from gone",
        "create table recsys.strays ()",
        "select create_draft('2024-03-01')",
        "commit; create table recsys.strays ()",
        "set transaction read write; create table recsys.strays ()",
        "select set_config('transaction_read_only', 'off', true); drop table nights",
        "vacuum",
    ],
)
def test_sql_only_reads(ebbtide: Ebbtide, warehouse: Warehouse, statement: str) -> None:
    relations = "select count(*) from pg_class"
    with warehouse.transaction() as session:
        before = session.select(relations)

    answer = ebbtide("sql", statement)

    assert answer.status == 1
    assert_one_line(answer.err)
    with warehouse.transaction() as session:
        assert session.select(relations) == before
