"""A social place in which every table that holds users holds jane, and what stands there."""

from datetime import date, timedelta

from psycopg2.extras import Json
from sources import NIGHT, Row
from steps.tenant import Tenant

from recsys_tasks import nightly
from recsys_tasks.settings import Variant
from recsys_tasks.steps import accumulate, embed_items, extract, merge, rank

JANE = "jane-7f3a@example.org"  # like nothing else in the schema
OTHERS = [f"u{n}" for n in range(8)]
DAYS = [NIGHT + n * timedelta(days=1) for n in range(4)]
TODAY = DAYS[-1] + timedelta(days=1)  # extracted and drafted, not published
OWN, SHARED = "small green lamp of mine", "red cup"  # who wrote them: jane alone, and everybody
FIRST_KEY = 7_300_001  # so that a user's key is no number that stands there for something else

ADD_USER = "insert into app.users (user_id, attributes) values (%(user_id)s, %(attributes)s)"
TABLES = """
select relname from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
order by relname
"""


def fill_place(tenant: Tenant) -> Tenant:
    """Run nights of a social place with an experiment, and leave a day half done."""
    tenant.rows(f"alter sequence users_user_key_seq restart with {FIRST_KEY}")
    tenant.items(*({"item_id": f"i{n}"} for n in range(12)))
    for user_id in (JANE, *OTHERS):
        tenant.rows(ADD_USER, user_id=user_id, attributes=Json({"likes": ["lamps"]}))
    tenant.events(*(row for day in (*DAYS, TODAY) for row in _events(day)))
    variants = {"bold": Variant(share=0.5, language=0.8)}
    changes = {"preset": "social", "variants": variants, "similar_length": 9}
    changed = Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))
    for day in DAYS:
        nightly.run_night(changed.settings, day)
    for step in (extract, embed_items, accumulate, merge, rank):
        changed.run(step, TODAY)
    # As a step leaves them that was cut off, and one that failed.
    changed.rows(
        "insert into pending_merges (model_key, user_key, day)"
        f" select distinct model_key, user_key, date '{TODAY}' from daily_interests"
    )
    changed.rows(
        "insert into interests_due select distinct model_key, user_key from daily_interests"
    )
    changed.rows(f"update nights set note = 'user ''{JANE}'' is odd' where step = 'rank'")
    return changed


def _events(day: date) -> list[Row]:
    """Jane and the others like, write and follow; the last of them does nothing but follow jane."""
    active = [JANE, *OTHERS[:-1]]
    first = 2 * (day - NIGHT).days
    did = [(user, "like", f"i{(5 * n + first) % 12}") for n, user in enumerate(active)]
    did += [(user, "follow", JANE) for user in (*OTHERS[:4], OTHERS[-1])]
    did += [(JANE, "follow", OTHERS[0]), (JANE, "follow", OTHERS[1])]
    did += [(JANE, "moan", "i3"), ("u1", "moan", JANE)]  # no event type, so rejected
    wrote = [*((user, SHARED) for user in active), (JANE, OWN)]
    return [
        *(
            {"user_id": who, "event_type": what, "item_id": whom, "day": day}
            for who, what, whom in did
        ),
        *(
            {"user_id": who, "event_type": "comment", "item_id": "i1", "text": text, "day": day}
            for who, text in wrote
        ),
    ]


def held(tenant: Tenant, user_id: str, user_key: int) -> dict[str, int]:
    """Rows by table that hold a user, by any value anywhere: whole rows are read as text."""
    found = {}
    for (table,) in tenant.rows(TABLES):
        ((n,),) = tenant.rows(
            f"select count(*) from {table} as held"
            " where strpos(to_jsonb(held)::text, %(user_id)s) > 0"
            r" or to_jsonb(held)::text ~ ('(?<![\d.])' || %(user_key)s || '(?!\d)')",
            user_id=user_id,
            user_key=str(user_key),
        )
        if n:
            found[str(table)] = int(str(n))
    return found


def key_of(tenant: Tenant, user_id: str) -> int:
    ((user_key,),) = tenant.rows("select user_key from users where user_id = %(id)s", id=user_id)
    return int(str(user_key))
