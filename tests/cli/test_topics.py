"""The commands topics and profile."""

import json

import pytest

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, N_ITEMS, Ebbtide, assert_one_line


@pytest.fixture
def night(ebbtide: Ebbtide, shop: Warehouse) -> Warehouse:
    """The shop after two nights."""
    for day in DAYS[:2]:
        assert ebbtide("night", day).status == 0
    return shop


@pytest.mark.usefixtures("night")
def test_topics_are_told_the_largest_first(ebbtide: Ebbtide) -> None:
    found = json.loads(ebbtide("topics", "--json").out)
    lines = ebbtide("topics").out.splitlines()[1:]

    assert sum(topic["n_items"] for topic in found) == N_ITEMS
    assert [int(line.split()[0]) for line in lines] == [topic["topic_key"] for topic in found]
    sizes = [topic["n_items"] for topic in found]
    assert sizes == sorted(sizes, reverse=True)
    assert {topic["since"] for topic in found} == {str(DAYS[0])}


@pytest.mark.usefixtures("night")
def test_topics_can_be_found_anew(ebbtide: Ebbtide) -> None:
    before = ebbtide("sql", "select fit from topic_fits").out.split()
    answer = ebbtide("topics", "--anew", "--json")
    after = ebbtide("sql", "select fit from topic_fits").out.split()

    assert (answer.status, before[1:], after[1:]) == (0, ["1"], ["2"])


@pytest.mark.usefixtures("shop")
def test_without_a_night_there_are_none(ebbtide: Ebbtide) -> None:
    assert "no night has found any yet" in ebbtide("topics").out
    anew = ebbtide("topics", "--anew")
    assert anew.status == 1
    assert_one_line(anew.err)
    assert json.loads(ebbtide("topics", "--json").out) == []


@pytest.mark.usefixtures("night")
def test_a_profile_is_told_with_its_events(ebbtide: Ebbtide) -> None:
    found = json.loads(ebbtide("profile", "u1", "--json").out)
    lines = ebbtide("profile", "u1", "-n", 1).out.splitlines()

    assert lines == [found[0]["sentence"], "    events " + ", ".join(found[0]["event_ids"])]
    assert sum(topic["n_interactions"] for topic in found) == 2
    assert sum(topic["share"] for topic in found) == pytest.approx(1, abs=1e-5)


@pytest.mark.usefixtures("night")
def test_of_nobody_nothing_is_known(ebbtide: Ebbtide) -> None:
    answer = ebbtide("profile", "nobody")

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("Nothing is known")
