"""How widely live queries have to search: looked for each night, and held against exact."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sources import NIGHT

from recsys_tasks.steps import check, live_recall, publish
from recsys_tasks.warehouse import Session, Warehouse

from .live_items import BY_INDEX, index_scans, write_crowd, write_facts, write_item, write_user
from .tenant import Tenant

N_ITEMS, N_USERS = 3_000, 40
MEASURED = """
select filter, k, ef_search, n_users, recall, is_exact from live_recalls order by filter
"""


@pytest.fixture
def session(warehouse: Warehouse) -> Iterator[Session]:
    with warehouse.transaction() as opened:
        write_crowd(opened, N_ITEMS, N_USERS)
        yield opened


def measured(session: Session, tenant: Tenant, **changes: object) -> dict[str, tuple[Any, ...]]:
    """What is known of each filter: k, ef_search, n_users, recall, is_exact."""
    settings = tenant.settings.model_copy(update=changes)
    live_recall.measure(session, settings, NIGHT)
    return {which: tuple(others) for which, *others in session.select(MEASURED)}


def test_the_narrowest_search_that_finds_enough_is_written_down(
    session: Session, tenant: Tenant
) -> None:
    """Half of what may be missed is kept back."""
    session.select(BY_INDEX)
    recalls = {
        ef_search: measured(session, tenant, ef_search=ef_search)["none"][3]
        for ef_search in live_recall.WIDTHS
    }
    k, ef_search, n_users, recall, is_exact = measured(session, tenant)["none"]

    assert index_scans(session) > 0
    assert (k, ef_search) == (10, min(n for n, found in recalls.items() if found >= 0.995))
    assert N_USERS / 3 < n_users <= N_USERS
    assert 0.995 <= recall == recalls[ef_search]
    assert not is_exact


def test_a_search_that_misses_too_much_is_marked_exact(session: Session, tenant: Tenant) -> None:
    session.select(BY_INDEX)
    narrow = measured(session, tenant, ef_search=1)["none"]
    promised_less = measured(session, tenant, ef_search=1, enough_recall=narrow[3])["none"]

    assert narrow[1] == 1
    assert narrow[3] < 0.97
    assert narrow[4]
    assert promised_less == (*narrow[:4], False)


def test_what_the_planner_searches_whole_is_exact(session: Session, tenant: Tenant) -> None:
    session.select("set local enable_indexscan = off")
    found = measured(session, tenant)

    assert {which: (row[1], row[3], row[4]) for which, row in found.items()} == {
        "category": (40, 1, False),
        "none": (40, 1, False),
    }


def test_a_tie_is_found_whichever_of_them_is(warehouse: Warehouse, tenant: Tenant) -> None:
    """Of thirty equal items any ten are the nearest."""
    with warehouse.transaction() as session:
        write_facts(session, dim=2)
        for number in range(60):
            write_item(session, f"i{number:02}", [1, number % 2])
        for number in range(5):
            write_user(session, f"u{number}", {14: [0.1, 1]})
        session.select(BY_INDEX)

        assert measured(session, tenant)["none"][3:] == (1, False)
        assert index_scans(session) > 0


def test_nothing_is_measured_without_an_index_or_users(session: Session, tenant: Tenant) -> None:
    assert len(measured(session, tenant)) == 2
    assert measured(session, tenant, recall_users=0) == {}
    session.value("drop_vector_index")
    assert measured(session, tenant) == {}


def test_a_night_measures_the_vectors_that_it_has_made(tenant: Tenant) -> None:
    """Small catalogues are searched whole, whatever the index."""
    tenant.items(*({"item_id": f"i{n:02}"} for n in range(20)))
    tenant.events(*({"user_id": f"u{n}", "item_id": f"i{n:02}"} for n in range(5)))
    tenant.draft(NIGHT)
    tenant.run(check, NIGHT)
    tenant.run(publish, NIGHT)

    found = "select night, filter, ef_search, recall, is_exact from live_recalls"
    assert tenant.rows(found) == [(NIGHT, "none", 40, 1, False)]


def test_looking_twice_writes_the_same(session: Session, tenant: Tenant) -> None:
    session.select(BY_INDEX)
    first = measured(session, tenant)

    assert measured(session, tenant) == first
    assert np.isfinite([row[3] for row in first.values()]).all()
