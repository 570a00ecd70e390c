"""Users with lists of fifty and reasons, night by night, written straight into the tables."""

from datetime import date, timedelta
from typing import Final

import psycopg2

LAST: Final = date(2025, 2, 28)
FACTS = """
set local search_path to recsys, public;
insert into event_types (event_type, verb, uses_up)
values ('view', 'viewed', false), ('purchase', 'bought', true);
insert into items (item_id, title, category, is_listed, source_hash)
select 'i' || lpad(n::text, 7, '0'), 'thing number ' || n, 'category ' || n %% 40, true, n
from generate_series(1, %(items)s) as n;
insert into users (user_id)
select 'u' || lpad(n::text, 8, '0') from generate_series(1, %(users)s) as n;
insert into models (model_id, kind, encoder_id, dim, parameters, state)
values ('made', 'zero-shot', 'none', 8, '{}', 'serving');
insert into variants (variant) values ('interest');
"""
# A thousand lists, and the user's key says which one of them each has.
TEMPLATES = """
create temporary table templates on commit drop as
select
    template,
    array_agg((1 + (template * 7919 + r * r * 31 + r * 101) %% %(items)s)::integer order by r)
        as item_keys,
    array_agg((3 - r / 50.0)::real order by r) as scores,
    array_agg((case r %% 3 when 0 then 3 else 1 end)::smallint order by r) as kinds,
    array_agg((case r %% 3 when 0 then 0 else 1 + (template * 31 + r * 977) %% %(items)s end)
        ::integer order by r) as reason_items,
    array_agg((case r %% 3 when 0 then 7 else 1 + r %% 2 end)::smallint order by r) as details,
    array_agg(%(today)s - 1 - r %% 14 order by r) as days,
    array_agg((1 - r / 60.0)::real order by r) as parts
from generate_series(0, 999) as template
cross join generate_series(1, 50) as r
group by template;
create unique index on templates (template);
analyze templates;
"""
LISTS = """
insert into recsys.recommendation_lists
select
    %(night)s, n, 1, 1, 1, item_keys, scores, kinds, reason_items, details, days,
    kinds[:30], reason_items[:30], details[:30], days[:30], parts[:30]
from generate_series(%(first)s, %(last)s, %(step)s) as n
inner join templates on template = n %% 1000
order by n
"""
NIGHT = """
insert into recsys.published_nights (
    night, model_key, partition_name, n_lists, inputs_fingerprint
) values (%(night)s, 1, %(partition)s, 0, 'made');
insert into recsys.cold_start_lists
select %(night)s, 1, item_keys, scores, details from templates where template = 7;
"""


def fill(dsn: str, users: int, items: int, nights: int) -> None:
    """Write users and their lists; nights are partitions, the newest one is full."""
    days = [LAST - timedelta(days=age) for age in reversed(range(nights))]
    today = {"today": (LAST - date(1970, 1, 1)).days, "items": items, "users": users}
    with psycopg2.connect(dsn) as session, session.cursor() as cursor:
        cursor.execute(FACTS, today)
        cursor.execute(TEMPLATES, today)
        for number, night in enumerate(days):
            newest, partition = night == LAST, f"lists_{night:%Y%m%d}_0"
            cursor.execute(
                f"create table recsys.{partition} partition of recsys.recommendation_lists"
                " for values from (%s) to (%s)",
                (night, night + timedelta(days=1)),
            )
            rows = {"first": 1 + number, "last": users, "step": nights - 1}
            if newest:
                rows = {"first": 1, "last": users - users // 100, "step": 1}
            cursor.execute(LISTS, {"night": night, **rows})
            cursor.execute(NIGHT, {"night": night, "partition": partition})
    session.close()
    settled = psycopg2.connect(dsn)
    settled.autocommit = True
    settled.cursor().execute("vacuum analyze")
    settled.close()
