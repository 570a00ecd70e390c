"""nearest_items(): what is nearest to a user's interest, in SQL, as promised or exactly."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from sources import NIGHT

from recsys_tasks.settings import Settings
from recsys_tasks.steps import live_recall
from recsys_tasks.warehouse import Session, Warehouse, connect

from .live_items import (
    BY_INDEX,
    index_scans,
    write_crowd,
    write_facts,
    write_interests,
    write_item,
    write_user,
)
from .tenant import Tenant

N_ITEMS, N_USERS = 3_000, 40
Crowd = tuple[Session, NDArray[np.float64], NDArray[np.float64]]
ASK = """
select item_id from nearest_items(%(user)s, %(n)s, %(category)s, %(among)s) order by rank
"""
RECALL = """
insert into live_recalls (night, filter, k, ef_search, n_users, recall, is_exact)
select %(night)s, filter, 10, %(ef_search)s, 100, 1, %(is_exact)s
from unnest(array['none', 'category']) as filter
"""


def nearest(
    session: Session,
    user: str | None,
    n: int | None = 10,
    category: str | None = None,
    among: list[str] | None = None,
) -> list[str]:
    asked = {"user": user, "n": n, "category": category, "among": among}
    return [item_id for (item_id,) in session.select(ASK, asked)]


def promise(session: Session, ef_search: int, night: str = "2024-03-01", **but: bool) -> None:
    """Write down what a night has found."""
    facts = {"night": night, "ef_search": ef_search, "is_exact": False, **but}
    session.select(RECALL, facts)


@pytest.fixture
def few(warehouse: Warehouse) -> Iterator[Session]:
    """Interests (2, 1) of one user; three items that are alike, and one that is not to be had."""
    with warehouse.transaction() as session:
        write_facts(session, dim=2)
        write_item(session, "far", [-1, 0], "a")
        write_item(session, "near", [1, 1], "a")
        for item_id in ("tied c", "tied a", "tied b"):
            write_item(session, item_id, [1, 0], "b")
        write_item(session, "no category", [0, 1])
        write_item(session, "gone", [9, 9], "a", is_available=False)
        write_user(session, "u", {2: [1, 1], 14: [1, 0]})
        write_user(session, "idle", {})
        yield session


@pytest.fixture
def crowd(warehouse: Warehouse) -> Iterator[Crowd]:
    """A session whose planner takes the index, and vectors of items and of users."""
    with warehouse.transaction() as session:
        vectors = write_crowd(session, N_ITEMS, N_USERS)
        session.select(BY_INDEX)
        yield session, *vectors


def best(scores: NDArray[np.float64], n: int = 10) -> list[str]:
    """Ids of the items that score highest, equal ones by id."""
    order = np.lexsort((np.arange(len(scores)), -scores.round(4)))[:n]
    return [f"i{row:05}" for row in order if np.isfinite(scores[row])]


def test_the_order_is_that_of_inner_products_and_equal_ones_are_in_order_of_ids(
    few: Session,
) -> None:
    ordered = ["near", "tied a", "tied b", "tied c", "no category", "far"]

    assert nearest(few, "u") == ordered
    assert nearest(few, "u", 2) == ordered[:2]
    assert few.select("select rank, score from nearest_items('u', 2)") == [(1, 3), (2, 2)]


@pytest.mark.parametrize("ef_search", [None, 1, 100])
def test_filters_let_through_what_they_say(few: Session, ef_search: int | None) -> None:
    if ef_search is not None:
        promise(few, ef_search)
        few.select(BY_INDEX)

    assert nearest(few, "u", category="a") == ["near", "far"]
    assert nearest(few, "u", category="none such") == []
    assert nearest(few, "u", among=["far", "tied b", "gone", "unheard of"]) == ["tied b", "far"]
    assert nearest(few, "u", category="a", among=["tied b", "far"]) == ["far"]
    assert nearest(few, "u", among=[]) == []
    assert len(nearest(few, "u", 99)) == 6


def test_whoever_has_no_interests_has_no_nearest_items(few: Session) -> None:
    assert nearest(few, "nobody") == []
    assert nearest(few, "idle") == []
    assert nearest(few, None) == []
    assert [nearest(few, "u", n) for n in (None, 0, -1)] == [[], [], []]


def test_interests_are_those_of_the_newest_published_night(few: Session) -> None:
    write_user(few, "v", {14: [-1, 0]}, "2024-02-28")
    assert nearest(few, "v", 1) == ["far"]
    write_interests(few, "v", {14: [0, 1]}, "2024-03-01")
    assert nearest(few, "v", 2) == ["near", "no category"]
    write_interests(few, "v", {14: [-1, 0]}, "2024-03-02")
    assert nearest(few, "v", 2) == ["near", "no category"]


def test_what_nobody_has_measured_is_exact(
    crowd: Crowd,
) -> None:
    session, items, users = crowd
    for number in range(N_USERS):
        assert nearest(session, f"u{number}") == best(items @ users[number])
    assert index_scans(session) == 0


def test_what_a_night_has_found_keeps_the_promise_for_others(crowd: Crowd, tenant: Tenant) -> None:
    """Asked for as an application asks, by the index."""
    session, items, users = crowd
    live_recall.measure(session, tenant.settings, NIGHT)
    before = index_scans(session)
    found = [
        len(set(nearest(session, f"u{number}")) & set(best(items @ users[number]))) / 10
        for number in range(N_USERS)
    ]

    assert np.mean(found) >= 0.99
    assert index_scans(session) == before + N_USERS


def test_where_the_index_misses_too_much_the_answer_is_exact(crowd: Crowd, tenant: Tenant) -> None:
    session, items, users = crowd
    live_recall.measure(session, tenant.settings.model_copy(update={"ef_search": 1}), NIGHT)
    before = index_scans(session)

    for number in range(N_USERS):
        assert nearest(session, f"u{number}") == best(items @ users[number])
    assert index_scans(session) == before


def test_a_filter_that_lets_a_hundredth_through_leaves_nothing_short(crowd: Crowd) -> None:
    """The index gives up before it has all thirty; they are found all the same."""
    session, items, users = crowd
    promise(session, 40)
    session.select("drop index item_vectors_category_idx; set local hnsw.max_scan_tuples = 100")
    few = np.arange(0, N_ITEMS, 100)

    for number in range(N_USERS):
        scores = np.full(N_ITEMS, -np.inf)
        scores[few] = items[few] @ users[number]
        assert nearest(session, f"u{number}", 30, category="few") == best(scores, 30)
        assert nearest(session, f"u{number}", among=[f"i{n:05}" for n in few]) == best(scores)
    assert index_scans(session) == N_USERS


def test_more_than_ten_want_a_wider_search_and_in_the_end_all(
    crowd: Crowd,
) -> None:
    session, items, users = crowd
    promise(session, 300)

    assert len(nearest(session, "u0", 30)) == 30
    assert index_scans(session) == 1
    assert nearest(session, "u0", 31) == best(items @ users[0], 31)
    assert index_scans(session) == 1


def test_only_what_the_published_night_has_found_counts(
    crowd: Crowd,
) -> None:
    session, *_ = crowd
    promise(session, 40, "2024-02-29")
    promise(session, 40, "2024-03-02")
    nearest(session, "u0")
    assert index_scans(session) == 0
    promise(session, 40, "2024-03-01")
    nearest(session, "u0")
    assert index_scans(session) == 1


def test_settings_stand_as_they_stood(few: Session) -> None:
    settings = "select current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')"
    few.select("set local hnsw.ef_search = 77; set local hnsw.iterative_scan = strict_order")
    promise(few, 100)
    nearest(few, "u")

    assert few.select(settings) == [("77", "strict_order")]


def test_tenants_and_what_is_temporary_do_not_meet(settings: Settings) -> None:
    """Each schema's function searches its own schema, whatever the caller's path."""
    for name in ("a", "b"):
        with connect(settings.model_copy(update={"schema_name": name})).transaction() as session:
            write_facts(session, dim=2)
            write_item(session, f"only {name}", [1, 0])
            write_user(session, "u", {14: [1, 0]})
    with connect(settings.model_copy(update={"schema_name": "a"})).transaction() as session:
        session.select("create temporary table item_vectors (like b.item_vectors)")
        session.select("create temporary table user_interests (like b.user_interests)")

        assert session.select("select item_id from b.nearest_items('u')") == [("only b",)]
        assert session.select("select item_id from a.nearest_items('u')") == [("only a",)]
