"""Mappings: a source with its own names and types, read in the contract's words."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recsys_tasks.errors import BadSettings, BadSource
from recsys_tasks.loading import load_folder
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.queries import ROOT

CONTRACT = {
    "source_items": [
        *(("item_id", "text"), ("title", "text"), ("description", "text"), ("category", "text")),
        *(("attributes", "jsonb"), ("available", "boolean")),
        *(("created_at", "timestamp with time zone"), ("updated_at", "timestamp with time zone")),
    ],
    "source_users": [
        *(("user_id", "text"), ("attributes", "jsonb")),
        ("created_at", "timestamp with time zone"),
    ],
    "source_events": [
        *(("event_id", "text"), ("user_id", "text"), ("item_id", "text"), ("event_type", "text")),
        *(("value", "double precision"), ("text", "text")),
        *(("occurred_at", "timestamp with time zone"), ("ingested_at", "timestamp with time zone")),
    ],
}

SHOPFRONT = """
create schema shopfront;
create table shopfront.departments (department_id integer primary key, name text not null);
create table shopfront.products (
    sku text primary key, name text, blurb text, department_id integer, brand text, colour text,
    discontinued boolean not null, stock integer not null, added_at timestamptz
);
create table shopfront.customers (
    customer_id bigint primary key, country text, joined_at timestamptz
);
create table shopfront.orders (
    order_id bigint primary key, customer_id bigint, placed_at text, imported_at timestamptz
);
create table shopfront.order_lines (
    order_id bigint, line_number smallint, sku text, quantity integer, price_pence bigint
);
create table shopfront.page_views (
    page_view_id bigint primary key, customer_id bigint, sku text, seen_at text
);
insert into shopfront.departments values (1, 'Shoes');
insert into shopfront.products values
    ('S1', 'Red shoe', 'A shoe that is red', 1, 'Acme', 'red', false, 3, '2024-01-01Z'),
    ('S2', 'Old shoe', null, 1, null, null, true, 3, null),
    ('S3', 'Sold shoe', null, null, null, null, false, 0, null);
insert into shopfront.customers values (7, 'France', '2023-05-01Z'), (8, null, null);
insert into shopfront.orders values
    (100, 7, '2024-07-01 12:00:00', '2024-07-02Z'), (101, 8, 'last Tuesday', null);
insert into shopfront.order_lines values
    (100, 1, 'S1', 2, 1250), (100, 2, 'S2', -1, 900), (101, 1, 'S1', 1, 1250);
insert into shopfront.page_views values
    (1, 7, 'S1', '2024-01-01 12:00:00'), (2, null, 'S1', 'now'), (3, 8, 'S3', '2024-02-30 12:00');
"""

EXAMPLE = ROOT / "source" / "example_shop"


def _columns(session: Session, view: str) -> list[tuple[object, ...]]:
    return session.select(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %(view)s::regclass and attnum > 0 order by attnum",
        {"view": view},
    )


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """A warehouse beside a shop that knows nothing of it."""
    with warehouse.transaction() as session:
        session.select(SHOPFRONT)
    return warehouse


def test_the_worked_example_has_the_contracts_columns(shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.map_source("example_shop")
        assert {view: _columns(session, view) for view in CONTRACT} == CONTRACT


def test_the_tables_that_load_makes_have_the_contracts_columns(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_text("item_id\ni1\n")
    load_folder(warehouse, tmp_path)
    with warehouse.transaction() as session:
        session.map_source("app")
        assert {view: _columns(session, view) for view in CONTRACT} == CONTRACT
        assert session.select("select item_id from source_items") == [("i1",)]


def test_products_are_items_and_unavailable_where_they_cannot_be_bought(shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.map_source("example_shop")
        items = session.select("select item_id, category, attributes, available from source_items")
    assert sorted(items) == [
        ("S1", "Shoes", {"brand": "Acme", "colour": "red"}, True),
        ("S2", "Shoes", {}, False),
        ("S3", None, {}, False),
    ]


def test_customers_are_users(shop: Warehouse) -> None:
    with shop.transaction() as session:
        session.map_source("example_shop")
        users = session.select("select user_id, attributes from source_users order by 1")
    assert users == [("7", {"country": "France"}), ("8", {})]


def test_orders_and_views_are_events_and_an_unreadable_time_is_null(shop: Warehouse) -> None:
    """The shop's clock shows London's time: an hour before UTC's noon in summer."""
    with shop.transaction() as session:
        session.map_source("example_shop")
        events = session.select(
            "select event_id, user_id, item_id, event_type, value, occurred_at from source_events"
        )
    summer, winter = datetime(2024, 7, 1, 11, tzinfo=UTC), datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert sorted(events) == [
        ("order-100-1", "7", "S1", "purchase", 25.0, summer),
        ("order-100-2", "7", "S2", "return", 9.0, summer),
        ("order-101-1", "8", "S1", "purchase", 12.5, None),
        ("view-1", "7", "S1", "view", None, winter),
        ("view-2", None, "S1", "view", None, None),
        ("view-3", "8", "S3", "view", None, None),
    ]


def test_a_mapping_may_lie_in_any_folder(shop: Warehouse, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "mine")
    with shop.transaction() as session:
        session.map_source(str(tmp_path / "mine"))
        assert session.select("select count(*) > 0 from source_events") == [(True,)]


@pytest.mark.parametrize(
    ("given", "changed", "complaint"),
    [
        ("sku as item_id", "sku as article", "needs a column item_id of type text, not none"),
        ("value::double precision as value", "value::text as value", "double precision, not text"),
        ("shopfront.orders on", "shopfront.purchases on", 'relation "shopfront.purchases"'),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_by_what_is_wrong(
    shop: Warehouse, tmp_path: Path, given: str, changed: str, complaint: str
) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "mine")
    events = tmp_path / "mine" / "events.sql"
    assert given in events.read_text("utf-8")
    events.chmod(0o644)
    events.write_text(events.read_text("utf-8").replace(given, changed), "utf-8")
    with shop.transaction() as session, pytest.raises(BadSource, match=complaint):
        session.map_source(str(tmp_path / "mine"))


def test_a_mapping_that_lacks_a_file_is_refused_by_its_name(shop: Warehouse) -> None:
    with (
        shop.transaction() as session,
        pytest.raises(BadSettings, match=r"'nowhere' has no items\.sql, events\.sql"),
    ):
        session.map_source("nowhere")
