"""What applications ask: the answers that they had before these were made fast, to the bit."""

import re

import pytest

from recsys_tasks import nightly
from recsys_tasks.warehouse.queries import migrations

from .made_days import NIGHTS, made_events, made_items
from .tenant import Tenant

USERS = (*(f"u{n}" for n in range(12)), "nobody", "", None)
LENGTHS = (1, 4, 6, 9, 30, 0, -1, None)
# What was there when recommend() was one statement: version, first line, last line.
EARLIER = (
    (7, "create function reasons_of_entry(", "\nend;"),
    (8, "create or replace view recommendations as", ";\n"),
    (7, "create or replace function recommend(", "\nend;"),
)


def keep_the_earlier_ones(tenant: Tenant) -> None:
    """Put recommend_before() beside recommend(), and the view and the reasons that it reads."""
    for version, first, last in EARLIER:
        text = migrations()[version].read_text("utf-8")
        start = text.index(first)
        made = text[start : text.index(last, start) + len(last)].replace("or replace ", "")
        tenant.rows(re.sub(r"\b(recommend(ations)?|reasons_of_entry)\b", r"\1_before", made))


def assert_as_before(tenant: Tenant) -> int:
    """Give how many rows were compared."""
    n_rows = 0
    for user in USERS:
        for n in LENGTHS:
            fresh, known = (
                tenant.rows(f"select * from {name}(%(user)s::text, %(n)s::integer)", user=user, n=n)
                for name in ("recommend", "recommend_before")
            )
            assert fresh == known, (user, n)
            n_rows += len(fresh)
    return n_rows


@pytest.fixture
def served(tenant: Tenant) -> Tenant:
    """Lists of six items for the users of each day alone: some have none, some an older one."""
    changes: dict[str, object] = {"refresh_days": 1, "list_length": 6}
    short = Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))
    short.items(*made_items())
    short.events(*made_events(n=40))
    for night in NIGHTS[:3]:
        nightly.run_night(short.settings, night)
    keep_the_earlier_ones(short)
    return short


def test_recommend_and_the_view_answer_as_before_they_were_made_fast(served: Tenant) -> None:
    told = [
        served.rows(f"select * from {view} order by user_id, rank")
        for view in ("recommendations", "recommendations_before")
    ]

    assert told[0] == told[1]
    assert any(row[-1] for row in told[0])
    assert len({row[7] for row in told[0]}) > 1  # nights
    assert assert_as_before(served) > len(told[0])


def test_they_do_with_provisional_lists_and_where_lists_or_reasons_are_gone(
    served: Tenant,
) -> None:
    today = NIGHTS[5]
    nightly.run_refresh(served.settings, today)

    assert served.rows("select 1 from recommendations where night = %(today)s", today=today)
    assert_as_before(served)
    served.rows("select drop_lists(%(night)s)", night=NIGHTS[1])
    served.rows("update recommendation_lists set parts = null, part_kinds = null returning 1")
    assert_as_before(served)


def test_they_do_before_the_first_night_and_without_items(filled: Tenant) -> None:
    keep_the_earlier_ones(filled)
    assert assert_as_before(filled) == 0
    nightly.run_step("extract", NIGHTS[0], filled.settings)
    nightly.run_step("embed_items", NIGHTS[0], filled.settings)
    assert assert_as_before(filled) > 0
