"""The command why: the parts of a score, and why an item is in no list."""

import json

import pytest
from sources import add_events, add_items

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


@pytest.fixture
def night(ebbtide: Ebbtide, shop: Warehouse) -> Warehouse:
    """The shop after its third night, with things that no list holds."""
    add_items(shop, {"item_id": "gone", "available": False}, {"item_id": "lamp", "title": "[b]"})
    add_events(
        shop,
        {"user_id": "u1", "item_id": None, "event_type": "search", "text": "red cup"},
        *({"user_id": "u1", "item_id": "lamp", "event_type": "view", "day": DAYS[2]},) * 3,
    )
    for day in DAYS[:3]:
        assert ebbtide("night", day).status == 0
    return shop


@pytest.mark.usefixtures("night")
def test_the_lines_add_up_to_the_score_of_the_list(ebbtide: Ebbtide) -> None:
    """Of each listed item, and the list has the same."""
    listed = ebbtide("sql", "select item_id, score, reason from recommend('u1', 5)")
    for line in listed.out.splitlines()[1:]:
        item, score, reason = line.split(maxsplit=2)
        answer = ebbtide("why", "u1", item)
        assert (answer.status, answer.err) == (0, "")
        first, _, *lines, total = answer.out.splitlines()
        assert "of the list" in first
        assert float(total.split()[0]) == pytest.approx(float(score), abs=1e-4)
        assert sum(float(part.split()[0]) for part in lines) == pytest.approx(
            float(score), abs=1e-3
        )
        assert any(reason.strip() in part for part in lines)


@pytest.mark.usefixtures("night")
def test_json_has_all_parts(ebbtide: Ebbtide) -> None:
    found = json.loads(ebbtide("why", "u1", "lamp", "--json").out)

    assert (found["stage"], found["night"]) == ("interest", str(DAYS[2]))
    assert sum(part["part"] for part in found["parts"]) == pytest.approx(found["score"], abs=1e-6)
    assert {"text": "because you viewed [b] yesterday", "item_id": "lamp"}.items() <= next(
        part for part in found["parts"] if part["item_id"] == "lamp"
    ).items()
    assert any(part["text"].startswith("because of what you wrote") for part in found["parts"])


def test_an_item_that_no_list_holds_says_why(
    ebbtide: Ebbtide, night: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "it is not available" in ebbtide("why", "u1", "gone").out
    assert "It has no score" in ebbtide("why", "u1", "gone").out
    bought = ebbtide("why", "u1", "i05").out
    assert f"the user had it on {DAYS[0]}, and the repeat policy is 'after 30 days'" in bought
    assert "in all" in bought  # it has a score all the same
    add_items(night, {"item_id": "i05", "category": "odd"})
    monkeypatch.setenv("RECSYS_LIST_FILTER", "category is distinct from 'odd'")
    ebbtide("night", DAYS[3])
    assert "RECSYS_LIST_FILTER does not hold for it" in ebbtide("why", "u0", "i05").out


@pytest.mark.usefixtures("night")
@pytest.mark.parametrize(
    ("user", "item", "said"),
    [
        ("u11", "i01", "did you mean u1?"),
        ("nobody", "i01", "'nobody' is not known in recsys; whoever"),
        ("u1", "i001", "did you mean i01?"),
        ("u1", "xyz", "'xyz' is not in the catalogue"),
    ],
)
def test_who_or_what_is_not_known_is_said_in_one_line(
    ebbtide: Ebbtide, user: str, item: str, said: str
) -> None:
    answer = ebbtide("why", user, item)

    assert answer.status == 1
    assert_one_line(answer.err)
    assert said in answer.err


def test_a_user_who_did_nothing_yet_is_told_apart(ebbtide: Ebbtide, night: Warehouse) -> None:
    with night.transaction() as session:
        session.select("insert into users (user_id) values ('late')")

    assert f"did nothing until night {DAYS[2]}" in ebbtide("why", "late", "i02").err


def test_before_the_first_night_there_is_nothing_to_explain(
    ebbtide: Ebbtide, shop: Warehouse
) -> None:
    with shop.transaction() as session:
        session.select("insert into users (user_id) values ('u1')")

    assert "No night was published" in ebbtide("why", "u1", "i01").err
