"""What live queries find: measured each night, against exact, where they have an index."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sources import NIGHT

from recsys_tasks.steps import check, live_recall, publish
from recsys_tasks.warehouse import Session, Warehouse

from .tenant import Tenant

DIM, N_ITEMS, N_USERS = 16, 3_000, 40
MEASURED = "select filter, k, ef_search, n_users, recall from live_recalls order by filter"
CATALOGUE = """
insert into models (model_id, kind, state, encoder_id, dim, parameters)
values ('made', 'zero-shot', 'serving', 'e', 16, '{}');
insert into derived_tables (name, fingerprint) values ('interests', 'made');
insert into users (user_id) select 'u' || n from generate_series(1, %(users)s) as n;
insert into items (item_id, is_listed, source_hash)
select 'i' || n, true, n from generate_series(1, %(items)s) as n;
select prepare_item_vectors(16);
"""
ITEM = """
insert into item_vectors (item_id, item_key, category, is_available, vector)
values ('i' || %(key)s, %(key)s, %(category)s, true, %(vector)s)
"""
# Two half-lives, which add up.
INTEREST = """
insert into interests (model_key, night, user_key, half_life, mass, alpha, vector)
select 1, '2024-03-01', %(key)s, half_life, 1, 0.5, %(vector)s
from unnest(array[2, 14]) as half_life
"""


@pytest.fixture
def session(warehouse: Warehouse) -> Iterator[Session]:
    """Items without any order, so that an index has a hard time, and forty users."""
    rng = np.random.default_rng(0)
    with warehouse.transaction() as opened:
        opened.select(CATALOGUE, {"users": N_USERS, "items": N_ITEMS})
        for statement, n in ((ITEM, N_ITEMS), (INTEREST, N_USERS)):
            for key, vector in enumerate(rng.standard_normal((n, DIM)).round(3).tolist(), 1):
                category = f"category {key % 3}"
                opened.select(statement, {"key": key, "vector": str(vector), "category": category})
        opened.select("analyze item_vectors")
        yield opened


def measured(session: Session, tenant: Tenant, **changes: object) -> list[tuple[Any, ...]]:
    settings = tenant.settings.model_copy(update=changes)
    live_recall.measure(session, settings, NIGHT)
    return session.select(MEASURED)


def test_a_wider_search_finds_more_and_exact_finds_all(session: Session, tenant: Tenant) -> None:
    session.select("set local enable_seqscan = off; set local enable_bitmapscan = off")
    session.select("set local enable_sort = off")
    narrow, wide = (
        {row[0]: row[-1] for row in measured(session, tenant, ef_search=ef_search)}
        for ef_search in (1, 400)
    )
    session.select("set local enable_indexscan = off")
    exact = measured(session, tenant)

    assert narrow["none"] < 0.97 < wide["none"] <= 1
    assert [(row[0], row[1], row[2], row[-1]) for row in exact] == [
        ("category", 10, 200, 1),
        ("none", 10, 200, 1),
    ]
    assert all(N_USERS / 3 < row[3] <= N_USERS for row in exact)


def test_nothing_is_measured_without_an_index_or_users(session: Session, tenant: Tenant) -> None:
    assert len(measured(session, tenant)) == 2
    assert measured(session, tenant, recall_users=0) == []
    session.value("drop_vector_index")
    assert measured(session, tenant) == []


def test_a_night_measures_the_vectors_that_it_has_made(tenant: Tenant) -> None:
    """Small catalogues are searched whole, whatever the index."""
    tenant.items(*({"item_id": f"i{n:02}"} for n in range(20)))
    tenant.events(*({"user_id": f"u{n}", "item_id": f"i{n:02}"} for n in range(5)))
    tenant.draft(NIGHT)
    tenant.run(check, NIGHT)
    tenant.run(publish, NIGHT)

    assert tenant.rows("select night, filter, recall from live_recalls") == [(NIGHT, "none", 1)]
