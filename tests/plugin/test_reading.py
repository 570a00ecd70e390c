"""Reading: queries go by index however many users there are, and nothing is written."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any, Final

import psycopg2
import pytest
from conftest import _database, _with_database
from models import learned_of

from ebbtide_pages.parameters import parameters_of
from ebbtide_pages.reading import Reader, ReadingWarehouse, page_queries
from ebbtide_pages.views.item import sample
from recsys_tasks.errors import DatabaseUnavailable, SchemaOutOfStep
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.models import Provenance, save_learned
from recsys_tasks.warehouse.queries import queries

N_USERS: Final = 100_000
NIGHT: Final = date(2024, 3, 1)
# Tables that have a row a user, or more; a page never reads one from end to end.
GROWING: Final = {
    *("users", "interactions", "interests", "interest_totals", "daily_interests", "daily_trends"),
    *("user_neighbours", "suggested_people", "rejected_interactions", "experiment_user_days"),
    *("texts", "text_vectors", "items", "item_neighbours", "item_vectors", "evaluations"),
}
CROWD: Final = """
insert into models (model_id, kind, state, encoder_id, dim, parameters)
values ('made', 'zero-shot', 'serving', 'e', 4, '{}');
insert into derived_tables (name, fingerprint) values ('interests', 'made');
insert into event_types (event_type, verb, uses_up) values ('purchase', 'bought', true);
insert into variants (variant) values ('content');
select prepare_item_vectors(4);
insert into texts (content_hash, content)
select sha256(n::text::bytea), 'red cup ' || n from generate_series(1, 20000) as numbers (n);
insert into items (item_id, title, is_listed, source_hash, text_key)
select 'i' || n, 'red cup ' || n, true, n, n
from generate_series(1, 20000) as numbers (n);
insert into item_vectors (item_id, item_key, is_available, vector)
select item_id, item_key, true,
    array[item_key % 7, item_key % 11, item_key % 13, item_key % 17]::real[]::halfvec
from items;
insert into item_neighbours (item_key, neighbour_keys, scores)
select item_key, array[1, 2, 3], array[.9, .8, .7] from items;
insert into users (user_id, attributes)
select 'u' || n, jsonb_build_object('name', 'name ' || n)
from generate_series(1, %(n)s) as numbers (n);
insert into user_neighbours (user_key, neighbour_keys, scores)
select user_key, array[1, 2, 3], array[.9, .8, .7] from users;
insert into interactions (event_id, day, user_key, item_key, event_type_key, occurred_at)
select 'e' || n, date '2024-03-01' - n %% 30, 1 + n / 2, 1 + n %% 20000, 1, '2024-03-01Z'
from generate_series(1, 2 * %(n)s - 2) as numbers (n);
insert into interests (model_key, night, user_key, half_life, mass, alpha, vector)
select 1, '2024-03-01', user_key, half_life, 1, .5, '[1,2,3,4]'
from users cross join unnest(array[2, 14]) as half_lives (half_life);
insert into daily_trends (item_key, day, mass)
select item_key, date '2024-03-01' - n, 1
from items cross join generate_series(0, 9) as days (n);
insert into rejected_interactions (day, event_id, reason, row, step)
select date '2024-03-01' - n %% 30, 'e' || n, 'reason ' || n %% 3, '{}', 'extract'
from generate_series(1, %(n)s) as numbers (n);
insert into evaluations (night, target, variant, segment, metric, k, value, n)
select date '2024-03-01' - day, target, 'content', segment, metric, k, .1, 10
from generate_series(0, 99) as days (day),
    unnest(array['new', 'all']) as targets (target),
    unnest(array['all', 'cold', 'warm', 'light', 'new_items']) as segments (segment),
    unnest(array['ndcg', 'recall', 'mrr', 'map', 'f1', 'hit_rate', 'novelty']) as metrics (metric),
    unnest(array[5, 10, 20, 50]) as ks (k);
create table lists_made partition of recommendation_lists
for values from ('2024-03-01') to ('2024-03-02');
insert into recommendation_lists (
    night, user_key, model_key, strategy_key, variant_key, item_keys, scores, reason_kinds,
    reason_items, reason_details, reason_days
)
select '2024-03-01', user_key, 1, 1, 1, array[1, 2, 3], array[3, 2, 1], array[3, 3, 3],
    array[0, 0, 0], array[1, 1, 1], array[0, 0, 0]
from users;
insert into published_nights (night, model_key, partition_name, n_lists, inputs_fingerprint)
values ('2024-03-01', 1, 'lists_made', %(n)s, 'none');
analyze;
"""
PARAMETERS: Final[dict[str, object]] = {
    "user_id": "u77",
    "user_key": 77,
    "item_id": "i77",
    "item_key": 77,
    "model_key": 1,
    "night": NIGHT,
    "day": NIGHT,
    "since": date(2024, 2, 1),
    "until": NIGHT,
    "half_life": 2.0,
    "prefix": "u7%",
    "words": "'cup':* & '77':*",
    "user_keys": sample(N_USERS),
    "n": 12,
    "most": 20_000,
    "metric": "ndcg",
    "metrics": ["ndcg", "recall"],
    "k": 10,
    "target": "new",
    "segment": "all",
    "difference": 0.01,
    "start": 0,
    "length": 10,
    "timeout": "5s",
}


@pytest.fixture(scope="module")
def crowd(server: str, template: str) -> Iterator[ReadingWarehouse]:
    """A hundred thousand users with lists, interests and interactions."""
    with _database(server, template) as name:
        dsn = _with_database(server, name)
        with closing(Warehouse(dsn, "recsys")) as made, made.transaction() as session:
            session.select(CROWD.replace("%(n)s", str(N_USERS)).replace("%%", "%"))
        opened = ReadingWarehouse(dsn, "recsys")
        yield opened
        opened.close()


SHARED = ("experiments", "nights_to_see")  # of sql/queries, which pages ask too


def names() -> list[str]:
    own = [name for name in page_queries().available_queries if not name.endswith("_cursor")]
    return [*own, *SHARED]


def scanned(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Tables that a plan reads from end to end, with the rows that it found there."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"], plan["Actual Rows"]
    for part in plan.get("Plans", []):
        yield from scanned(part)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_no_query_reads_a_growing_table_whole(crowd: ReadingWarehouse, name: str) -> None:
    asked = queries() if name in SHARED else page_queries()
    statement = "explain (analyze, format json) " + str(getattr(asked, name).sql)
    with crowd.transaction() as session:
        ((found,),) = session.select(statement, PARAMETERS)

    read = {table for table, _ in scanned(found[0]["Plan"])}
    assert {table for table in read if table in GROWING or table.startswith("lists")} == set()
    assert found[0]["Execution Time"] < 1000, json.dumps(found[0])  # milliseconds; a busy machine


def test_nothing_can_be_written(dsn: str) -> None:
    with (
        closing(ReadingWarehouse(dsn, "recsys")) as warehouse,
        pytest.raises(psycopg2.errors.ReadOnlySqlTransaction),
        warehouse.transaction() as session,
    ):
        session.select("insert into users (user_id) values ('x')")


def test_a_query_that_takes_long_is_broken_off(dsn: str) -> None:
    with (
        closing(ReadingWarehouse(dsn, "recsys", timeout=1)) as warehouse,
        pytest.raises(DatabaseUnavailable, match="more than 1 s"),
        warehouse.transaction() as session,
    ):
        session.select("select pg_sleep(3)")


def test_a_missing_table_is_told_with_the_remedy(empty_dsn: str) -> None:
    with (
        closing(ReadingWarehouse(empty_dsn, "recsys")) as warehouse,
        pytest.raises(SchemaOutOfStep, match="ebbtide migrate"),
        warehouse.transaction() as session,
    ):
        Reader(session).rows("page_models", n=1)


def test_parameters_are_read_without_the_vectors_of_items(warehouse: Warehouse) -> None:
    """What a page reads of an artifact does not grow with the catalogue."""
    model = learned_of(range(1, 20_001), 16, d=24)
    with warehouse.transaction() as session:
        saved = save_learned(session, model, "e", 16, Provenance("shop", 0, NIGHT, {}))
        reader = Counting(session)
        key, size, digest = session.select(
            "select model_key, octet_length(artifact), encode(artifact_sha256, 'hex') from models"
        )[0]
        found = parameters_of(reader, key, size, digest)

    assert saved.model_key == key
    assert found.half_lives == model.half_lives
    assert found.scales == tuple(model.scales.tolist())
    assert [tau for _, tau in found.tau] == model.tau.tolist()
    assert [key for key, *_ in found.gains] == model.type_keys.tolist()
    assert reader.n_bytes < size / 2


class Counting(Reader):
    """A reader that counts the bytes of artifacts."""

    n_bytes = 0

    def rows(self, name: str, /, **parameters: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        found = super().rows(name, **parameters)
        if name == "page_part_of_artifact":
            self.n_bytes += sum(len(bytes(part)) for (part,) in found)
        return found
