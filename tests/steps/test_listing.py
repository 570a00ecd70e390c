"""Rank: what lists may show, and how the settings arrange them, down to what readers are served."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from encoders import WORDS
from sources import NIGHT, Row, noon

from recsys_tasks.errors import BadSettings
from recsys_tasks.steps import publish, rank

from .tenant import Tenant

N_ITEMS = 40
CATEGORIES = ("tools", "toys", "adult", None)
EARLIER = NIGHT - timedelta(days=20)


def catalogue() -> Iterator[Row]:
    """Forty items of four categories in turn; the last eight came three days before NIGHT.

    Those of one category have the first word of their titles in common.
    """
    for n in range(N_ITEMS):
        yield {
            "item_id": f"i{n:02}",
            "title": f"{WORDS[n % len(CATEGORIES)]} {WORDS[n // len(CATEGORIES)]}",
            "category": CATEGORIES[n % len(CATEGORIES)],
            "attributes": {"price": n},
            "created_at": noon(NIGHT - timedelta(days=3 if n >= 32 else 100)),
        }


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    """A user of many tools, one of few things, and one who came long ago."""
    tenant.items(*catalogue())
    tenant.events(
        *({"user_id": "u1", "item_id": f"i{n:02}"} for n in range(0, 20, 4)),
        {"user_id": "u2", "item_id": "i01"},
        {"user_id": "u3", "item_id": "i05", "day": EARLIER},
    )
    return tenant


def published(tenant: Tenant, **changes: object) -> Tenant:
    """The tenant after a night with some settings changed."""
    changed = Tenant(tenant.warehouse, tenant.settings.model_copy(update=changes))
    changed.draft()
    changed.run(publish)
    return changed


def listed(tenant: Tenant, user_id: str = "u1") -> list[object]:
    """What a user is served, best first."""
    statement = "select item_id from recommend(%(user_id)s, 100)"
    return [row[0] for row in tenant.rows(statement, user_id=user_id)]


def category_of(item_id: object) -> str | None:
    return CATEGORIES[int(str(item_id)[1:]) % len(CATEGORIES)]


@pytest.mark.parametrize(
    ("condition", "n_left"),
    [
        ("category <> 'adult'", 20),  # as SQL has it: what is not known does not hold
        ("category is distinct from 'adult'", 30),
        ("(attributes->>'price')::integer < 12", 12),
        ("item_id in (select i.item_id from items as i where i.item_id like 'i0%')", 10),
        ("true -- a comment ends with its line", 40),
    ],
)
def test_a_filter_leaves_items_out_of_every_list(shop: Tenant, condition: str, n_left: int) -> None:
    """Of users, and of who is not known; other items take their places."""
    night = published(shop, list_filter=condition)

    (passed,) = zip(
        *shop.rows(
            "select item_id from items where item_key not in (select item_key from filtered_items)"
        ),
        strict=True,
    )
    assert len(passed) == n_left
    assert set(listed(night, "nobody")) == set(passed)
    bought = {f"i{n:02}" for n in range(0, 20, 4)}
    assert set(listed(night)) == set(passed) - bought


def test_without_a_filter_the_next_night_shows_all_again(shop: Tenant) -> None:
    published(shop, list_filter="category = 'toys'")

    assert len(listed(published(shop), "nobody")) == N_ITEMS


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("categoy = 'toys'", "categoy"),
        ("category =", "syntax error"),
        ("(attributes->>'price')::integer / 0 = 1", "division by zero"),
        ("category", "must be type boolean"),
        ("true); delete from items; select (true", "multi-query|multiple"),
        ("(select count(*) from pg_advisory_lock_nowhere()) = 1", "does not exist"),
        ("nextval('list_partitions') > 0", "read-only"),
        ("category = 'none'", "holds for no item"),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused_by_name(
    shop: Tenant, condition: str, problem: str
) -> None:
    """In one line, and readers keep what they had."""
    before = listed(published(shop))

    with pytest.raises(BadSettings, match=f"RECSYS_LIST_FILTER .*({problem})") as refused:
        shop.run(rank, list_filter=condition)

    assert "\n" not in str(refused.value)
    assert listed(shop) == before
    assert shop.rows("select count(*) from items") == [(N_ITEMS,)]


def test_a_cap_holds_in_every_ten(shop: Tenant) -> None:
    """A user of tools is shown at most two of them a page; what has no category is not capped."""
    uncapped = listed(published(shop))
    assert sum(category_of(item) == "tools" for item in uncapped[:10]) > 2

    capped = listed(published(shop, category_cap=2))

    assert sorted(capped, key=str) == sorted(uncapped, key=str)
    for ten in (capped[:10], capped[10:20]):
        for category in CATEGORIES[:3]:
            assert sum(category_of(item) == category for item in ten) <= 2


def test_new_items_have_their_share(shop: Tenant) -> None:
    """At least three of ten, among them not the first."""
    night = published(shop, new_item_share=0.3, list_length=10)

    for user in ("u1", "u2", "u3"):
        are_new = [str(item) >= "i32" for item in listed(night, user)[:10]]
        assert sum(are_new) >= 3
        assert are_new.index(True) < 4


def test_an_item_without_a_date_is_new_when_it_is_first_taken(tenant: Tenant) -> None:
    tenant.items(*({"item_id": f"i{n:02}"} for n in range(30)))
    tenant.events(
        *({"user_id": "u0", "item_id": f"i{n:02}", "day": EARLIER} for n in range(28)),
        {"user_id": "u0", "item_id": "i28"},
        {"user_id": "u1", "item_id": "i00", "day": EARLIER},
    )
    night = published(tenant, new_item_share=0.1, list_length=10, refresh_days=None)

    assert "i28" in listed(night)[:10]


@pytest.mark.parametrize(
    ("repeat", "n_listed"),
    [("exclude", 39), ("after 15 days", 40), ("after 30 days", 39), ("allow", 40)],
)
@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_what_was_had_returns_as_the_repeat_policy_says(
    shop: Tenant, repeat: str, n_listed: int, diversity: float
) -> None:
    """Twenty days ago, whatever else lists are made by; every gate lets them through."""
    night = published(shop, repeat=repeat, diversity=diversity, category_cap=4, new_item_share=0.2)

    statement = "select item_id from recommendations where user_id = 'u3'"
    rows = {row[0] for row in night.rows(statement)}
    assert len(rows) == n_listed
    assert ("i05" in rows) == (n_listed == N_ITEMS)


def test_diversity_changes_the_order_and_keeps_scores_and_reasons(shop: Tenant) -> None:
    statement = (
        "select item_id, score, reason from recommendations where user_id = 'u1' order by rank"
    )
    plain = published(shop).rows(statement)
    diverse = published(shop, diversity=0.7).rows(statement)

    assert plain != diverse
    assert sorted(plain) == sorted(diverse)
    assert plain[0] == diverse[0]
