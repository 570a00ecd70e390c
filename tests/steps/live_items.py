"""A catalogue for live queries, its users, and what is nearest to them by numpy."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.warehouse import Session

DIM = 16
FACTS = """
insert into models (model_id, kind, state, encoder_id, dim, parameters)
values ('made', 'zero-shot', 'serving', 'e', %(dim)s, '{}');
insert into derived_tables (name, fingerprint) values ('interests', 'made');
insert into published_nights (night, model_key, partition_name, n_lists, inputs_fingerprint)
values ('2024-03-01', 1, 'none', 0, 'made');
select prepare_item_vectors(%(dim)s);
"""
ITEM = """
insert into items (item_id, is_listed, source_hash) values (%(item_id)s, true, 1);
insert into item_vectors (item_id, item_key, category, is_available, vector)
select item_id, item_key, %(category)s, %(is_available)s, %(vector)s
from items where item_id = %(item_id)s
"""
USER = "insert into users (user_id) values (%(user_id)s)"
# Of a half-life.
INTEREST = """
insert into interests (model_key, night, user_key, half_life, mass, alpha, vector)
select 1, %(night)s, user_key, %(half_life)s, 1, 0.5, %(vector)s
from users where user_id = %(user_id)s
"""
CROWD = """
insert into items (item_id, is_listed, source_hash)
select 'i' || lpad(n::text, 5, '0'), true, 1 from generate_series(0, %(n_items)s - 1) as n;
insert into item_vectors (item_id, item_key, category, is_available, vector)
select
    items.item_id, items.item_key,
    case when n %% 100 = 1 then 'few' else 'category ' || (n - 1) %% 3 end, true, vector::halfvec
from unnest(%(items)s) with ordinality as crowd (vector, n)
inner join items on items.item_id = 'i' || lpad((n - 1)::text, 5, '0');
insert into users (user_id) select 'u' || n from generate_series(0, %(n_users)s - 1) as n;
insert into interests (model_key, night, user_key, half_life, mass, alpha, vector)
select 1, '2024-03-01', user_key, half_life, 1, 0.5, vector::halfvec
from unnest(%(users)s) with ordinality as crowd (vector, n)
inner join users on user_id = 'u' || (n - 1)
cross join unnest(array[2, 14]) as half_life;
"""
# The planner takes the index of vectors wherever it may.
BY_INDEX = """
set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off
"""
SCANS = "select pg_stat_get_xact_numscans('item_vectors_vector_idx'::regclass)"


def write_facts(session: Session, dim: int = DIM) -> None:
    """A model and a published night; neither items nor users."""
    session.select(FACTS, {"dim": dim})


def write_item(
    session: Session,
    item_id: str,
    vector: list[float],
    category: str | None = None,
    *,
    is_available: bool = True,
) -> None:
    """One item that live queries may find."""
    facts = {"item_id": item_id, "category": category, "is_available": is_available}
    session.select(ITEM, {**facts, "vector": str(vector)})


def write_user(
    session: Session, user_id: str, vectors: Mapping[int, list[float]], night: str = "2024-03-01"
) -> None:
    """One user, and interests by half-life, which add up."""
    session.select(USER, {"user_id": user_id})
    write_interests(session, user_id, vectors, night)


def write_interests(
    session: Session, user_id: str, vectors: Mapping[int, list[float]], night: str
) -> None:
    """What a user was interested in as of a night, by half-life."""
    for half_life, vector in vectors.items():
        facts = {"user_id": user_id, "half_life": half_life, "night": night}
        session.select(INTEREST, {**facts, "vector": str(vector)})


def write_crowd(
    session: Session, n_items: int, n_users: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Items without any order, so that an index has a hard time, and users.

    Item n is of category n % 3, but each hundredth is of "few".

    Returns:
        Vectors of items and of users, shape (n, DIM), as they are stored.
    """
    rng = np.random.default_rng(0)
    items, users = (rng.standard_normal((n, DIM)).round(3) for n in (n_items, n_users))
    write_facts(session)
    session.value("drop_vector_index")
    vectors = {"items": list(map(str, items.tolist())), "users": list(map(str, users.tolist()))}
    session.select(CROWD, {"n_items": n_items, "n_users": n_users, **vectors})
    session.value("make_vector_index")
    session.select("analyze item_vectors")
    stored = items.astype(np.float16).astype(np.float64)
    return stored, 2 * users.astype(np.float16).astype(np.float64)


def index_scans(session: Session) -> int:
    """How often the transaction has used the index of vectors."""
    ((n,),) = session.select(SCANS)
    return int(n)
