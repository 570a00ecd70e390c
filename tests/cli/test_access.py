"""Commands about rights and gates: access, night --despite."""

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def test_access_names_the_roles_and_their_members(ebbtide: Ebbtide, warehouse: Warehouse) -> None:
    del warehouse
    answer = ebbtide("access")

    assert (answer.status, answer.err) == (0, "")
    for role in ("recsys_pipeline", "recsys_reader", "recsys_analyst"):
        assert role in answer.out


def test_the_script_can_be_run_and_applying_it_changes_nothing(
    ebbtide: Ebbtide, warehouse: Warehouse
) -> None:
    statement = ebbtide("access", "--sql").out
    assert statement == 'select "recsys".secure_schema();\n'
    with warehouse.transaction() as session:
        assert session.select(statement) == [([],)]

    assert ebbtide("access", "--apply").status == 0


def test_a_night_despite_a_gate_is_published_and_written_down(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    assert ebbtide("night", DAYS[0]).status == 0
    with shop.transaction() as session:
        session.select("update published_nights set n_lists = 1000")
    held = ebbtide("night", DAYS[1])
    assert held.status == 1
    assert f"ebbtide night {DAYS[1]} --despite GATE" in held.err

    assert ebbtide("night", DAYS[1], "--despite", "enough-users").status == 0

    with shop.transaction() as session:
        notes = session.select("select note from nights where step = 'publish' order by day")
        assert notes[0] == (None,)
        assert notes[1][0].startswith("gate opened by ")
        assert session.select("select day, gate from gate_overrides") == [(DAYS[1], "enough_users")]


def test_an_unknown_gate_is_named(ebbtide: Ebbtide, warehouse: Warehouse) -> None:
    del warehouse
    answer = ebbtide("night", DAYS[0], "--despite", "colapse")

    assert answer.status == 1
    assert_one_line(answer.err)
    assert "did you mean collapse?" in answer.err
