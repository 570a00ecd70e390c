"""Everyone gets a list: users of whom only attributes are known, people, and new items."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copy

import pytest
from sources import NIGHT

from recsys_tasks import nightly
from recsys_tasks.settings import Settings
from recsys_tasks.steps import extract
from recsys_tasks.warehouse.queries import ROOT

from .kept_models import let_serve, made_for
from .tenant import Tenant
from .test_convergence import assert_same, empty, run_nights, tables

NEXT = NIGHT + timedelta(days=1)
LATER = datetime(2030, 1, 1, tzinfo=UTC)
ADD_USER = """
insert into app.users (user_id, attributes, created_at)
values (%(user_id)s, %(attributes)s, %(created_at)s)
on conflict (user_id) do update
set attributes = excluded.attributes, created_at = excluded.created_at
"""
KNOWN = "select user_id, attributes, created_at from users order by user_id"
STRATEGIES = "select distinct user_id, strategy from recommendations order by user_id"
SIMILAR = "select user_id, rank, neighbour, score from similar_users order by user_id, rank"
TOP = "select item_id from recommendations where user_id = %(user_id)s and rank <= 2 order by rank"


def add_user(
    tenant: Tenant, user_id: str, attributes: object, created_at: datetime | None = None
) -> None:
    document = json.dumps(attributes)
    tenant.rows(ADD_USER, user_id=user_id, attributes=document, created_at=created_at)


def with_settings(tenant: Tenant, **changes: object) -> Tenant:
    settings: Settings = tenant.settings.model_copy(update=changes)
    return Tenant(tenant.warehouse, settings)


# Attributes


def test_users_are_known_before_they_do_anything(tenant: Tenant) -> None:
    add_user(tenant, "b", {"country": "France"}, LATER)
    add_user(tenant, "a", {"likes": ["tea"]})
    for user_id, nothing in (("n1", None), ("n2", {}), ("n3", [])):
        add_user(tenant, user_id, nothing)
    tenant.extract()

    assert tenant.rows(KNOWN) == [
        ("a", {"likes": ["tea"]}, None),
        ("b", {"country": "France"}, LATER),
    ]


def test_attributes_follow_the_source(tenant: Tenant) -> None:
    """A user with a history keeps it when the source forgets the user."""
    tenant.events({"user_id": "a"}, {"user_id": "b"})
    tenant.extract()
    add_user(tenant, "a", {"country": "France"})
    add_user(tenant, "b", {"country": "Spain"}, LATER)
    tenant.extract()
    add_user(tenant, "a", {"country": "Italy"})
    tenant.rows("delete from app.users where user_id = 'b'")
    tenant.extract()

    assert tenant.rows(KNOWN) == [("a", {"country": "Italy"}, None), ("b", None, None)]
    assert tenant.rows("select max(user_key) from users") == [(2,)]


def test_taking_users_again_writes_nothing(tenant: Tenant) -> None:
    add_user(tenant, "a", {"country": "France"}, LATER)
    tenant.extract()
    before = tenant.rows("select xmin, ctid from users")
    tenant.extract()
    assert tenant.rows("select xmin, ctid from users") == before


def test_a_source_without_users_works(tenant: Tenant, tmp_path: Path) -> None:
    for name in ("items", "events"):
        copy(ROOT / "source" / "app" / f"{name}.sql", tmp_path)
    tenant.items({"item_id": "i1"}, {})
    tenant.events({})
    elsewhere = with_settings(tenant, source=str(tmp_path))
    nightly.run_night(elsewhere.settings, NIGHT)
    assert elsewhere.rows(KNOWN) == [("u1", None, None)]


# Lists


@pytest.fixture
def countries(tenant: Tenant) -> Tenant:
    """The French buy red cups, Spaniards large lamps; every item has equally many buyers."""
    tenant.items(
        *({"item_id": f"red{n}", "title": f"red cup {word}"} for n, word in enumerate(WORDS)),
        *({"item_id": f"large{n}", "title": f"large lamp {word}"} for n, word in enumerate(WORDS)),
    )
    for country, kind in (("France", "red"), ("Spain", "large")):
        for n in range(12):
            add_user(tenant, f"{country}{n}", {"country": country})
            tenant.events({"user_id": f"{country}{n}", "item_id": f"{kind}{n % 4}"})
        add_user(tenant, f"{country} newcomer", {"country": country})
    add_user(tenant, "nowhere", {"name": "one of a kind"})
    return with_settings(tenant, from_attributes=True)


WORDS = ("old", "new", "small", "green")


def strategies_of(tenant: Tenant) -> dict[object, object]:
    """How each user's list came about."""
    return {row[0]: row[1] for row in tenant.rows(STRATEGIES)}


def kinds(rows: Iterable[tuple[object, ...]]) -> set[str]:
    return {str(item_id).rstrip("0123456789") for (item_id,) in rows}


def test_a_newcomer_is_shown_what_others_with_the_same_attributes_like(countries: Tenant) -> None:
    nightly.run_night(countries.settings, NIGHT)

    assert kinds(countries.rows(TOP, user_id="France newcomer")) == {"red"}
    assert kinds(countries.rows(TOP, user_id="Spain newcomer")) == {"large"}
    strategies = strategies_of(countries)
    assert strategies["France newcomer"] == "attributes"
    assert strategies["France0"] == "personal"
    assert strategies["nowhere"] == "trending"


def test_a_newcomers_reason_is_that_people_alike_like_it(countries: Tenant) -> None:
    """Since all items are equally popular, attributes are what tells them apart."""
    nightly.run_night(countries.settings, NIGHT)
    told = countries.rows(
        "select part ->> 'text', (part ->> 'part')::float8 > 0 from recommendations"
        " cross join jsonb_array_elements(reasons) as part"
        " where user_id = 'France newcomer' and rank = 1"
    )
    assert ("liked by people like you", True) in told


def test_without_the_setting_a_newcomer_has_the_cold_start_list(countries: Tenant) -> None:
    nightly.run_night(with_settings(countries, from_attributes=False).settings, NIGHT)

    assert "France newcomer" not in strategies_of(countries)
    asked = "select distinct strategy from recommend(%(user_id)s, 3)"
    for user_id in ("France newcomer", "never heard of"):
        assert countries.rows(asked, user_id=user_id) == [("cold_start",)]


def test_a_newcomer_has_no_list_before_the_source_knows_the_user(countries: Tenant) -> None:
    noon = datetime(NEXT.year, NEXT.month, NEXT.day, 12, tzinfo=UTC)
    add_user(countries, "late", {"country": "France"}, noon)
    nightly.run_night(countries.settings, NIGHT)
    assert "late" not in strategies_of(countries)
    of_late = with_settings(countries, refresh_days=1, enough_users=0.0)
    nightly.run_night(of_late.settings, NEXT)
    of_next = countries.rows(
        "select distinct user_id from recommendations where night = %(night)s", night=NEXT
    )
    assert of_next == [("late",)]


def test_a_learned_model_lists_by_attributes_too(countries: Tenant) -> None:
    """Newcomers of one country share their scores, of two countries they do not."""
    add_user(countries, "France twin", {"country": "France"})
    run_nights(countries, [NIGHT])
    let_serve(countries, made_for(countries))
    run_nights(countries, [NEXT])
    entries = "select item_id, score from recommendations where user_id = %(user_id)s order by rank"
    newcomer, twin, spaniard = (
        countries.rows(entries, user_id=user_id)
        for user_id in ("France newcomer", "France twin", "Spain newcomer")
    )

    assert strategies_of(countries)["France newcomer"] == "attributes"
    assert newcomer == twin
    assert newcomer != spaniard


def test_lists_from_attributes_do_not_depend_on_the_order_of_nights(countries: Tenant) -> None:
    countries.events({"user_id": "Italy", "item_id": "red3", "day": NIGHT - timedelta(days=1)})
    add_user(countries, "Italy", {"country": "Spain"})
    entries = "select user_id, rank, item_id, score from recommendations order by user_id, rank"
    nights = [NIGHT - timedelta(days=1), NIGHT, NEXT]
    run_nights(countries, nights)
    expected = tables(countries, entries)
    empty(countries.warehouse)
    run_nights(countries, reversed(nights))
    assert_same(tables(countries, entries), expected)


def test_changed_attributes_make_the_newest_lists_anew(countries: Tenant) -> None:
    """Whichever night takes them."""
    run_nights(countries, [NIGHT, NEXT])
    add_user(countries, "France newcomer", {"country": "Spain"})
    run_nights(countries, [NIGHT])
    assert kinds(countries.rows(TOP, user_id="France newcomer")) == {"large"}


def test_a_refresh_leaves_newcomers_to_the_night(countries: Tenant) -> None:
    run_nights(countries, [NIGHT])
    countries.events({"user_id": "France0", "item_id": "red1", "day": NEXT})
    nightly.run_refresh(countries.settings, NEXT)
    of_next = countries.rows(
        "select distinct user_id from recommendations where night = %(night)s", night=NEXT
    )
    assert of_next == [("France0",)]


# Similar users


def test_a_newcomer_is_similar_to_users_with_the_same_attributes(countries: Tenant) -> None:
    nightly.run_night(with_settings(countries, from_attributes=False).settings, NIGHT)
    neighbours = [row for row in countries.rows(SIMILAR) if row[0] == "Spain newcomer"]

    assert len(neighbours) == 12
    assert all(str(row[2]).startswith("Spain") for row in neighbours)
    assert {row[3] for row in neighbours} == {1.0}
    assert "nowhere" not in {row[0] for row in countries.rows(SIMILAR)}


def test_a_newcomer_who_acts_is_similar_by_interest(countries: Tenant) -> None:
    run_nights(countries, [NIGHT])
    countries.events({"user_id": "Spain newcomer", "item_id": "red0", "day": NEXT})
    run_nights(countries, [NEXT])
    nearest = next(row for row in countries.rows(SIMILAR) if row[0] == "Spain newcomer")

    assert str(nearest[2]).startswith("France")


# New items


def test_a_new_item_enters_by_its_text_the_night_it_appears(tenant: Tenant) -> None:
    """At the top for who likes its like, and not for who likes something else."""
    tenant.items(
        {"item_id": "cup", "title": "red cup"},
        {"item_id": "lamp", "title": "large old lamp"},
        *({"item_id": f"i{n}", "title": f"{word} plate"} for n, word in enumerate(WORDS)),
    )
    tenant.events({"user_id": "cups", "item_id": "cup"}, {"user_id": "lamps", "item_id": "lamp"})
    run_nights(tenant, [NIGHT])
    appears = datetime(NEXT.year, NEXT.month, NEXT.day, 9, tzinfo=UTC)
    tenant.items({"item_id": "twin", "title": "red cup", "created_at": appears})
    listed = (
        "select user_id, rank from recommendations"
        " where item_id = 'twin' and night = %(night)s order by user_id"
    )
    assert tenant.rows(listed, night=NIGHT) == []

    run_nights(tenant, [NEXT])
    ranks = {str(user_id): rank for user_id, rank in tenant.rows(listed, night=NEXT)}
    assert ranks["cups"] == 1
    assert int(str(ranks["lamps"])) > 1


# People to follow

FOLLOWED = "select user_id, person, reason from people_to_follow order by user_id, rank"


def follow(user_id: str, person: str, day: date = NIGHT, kind: str = "follow") -> dict[str, object]:
    return {"user_id": user_id, "item_id": person, "event_type": kind, "day": day}


@pytest.fixture
def society(tenant: Tenant) -> Tenant:
    """Ann follows Bob, who follows Cem, Dee and the star; Eve likes what Ann likes."""
    tenant.items({"item_id": "i1", "title": "red cup"}, {"item_id": "i2", "title": "old lamp"})
    tenant.events(
        follow("ann", "bob"),
        follow("bob", "cem"),
        follow("bob", "dee", NIGHT - timedelta(days=200)),
        follow("bob", "star"),
        *({"user_id": name, "item_id": "i1", "event_type": "like"} for name in ("ann", "eve")),
        *({"user_id": name, "item_id": "i2", "event_type": "like"} for name in ("cem", "dee")),
    )
    return with_settings(tenant, preset="social")


def people(tenant: Tenant, user_id: str) -> list[object]:
    return [row[1] for row in tenant.rows(FOLLOWED) if row[0] == user_id]


def test_people_are_friends_of_friends_and_who_is_interested_in_the_same(society: Tenant) -> None:
    """Also somebody who never acted; the older follow says less."""
    run_nights(society, [NIGHT])
    reasons = {row[1]: row[2] for row in society.rows(FOLLOWED) if row[0] == "ann"}

    assert people(society, "ann")[0] == "eve"
    assert set(people(society, "ann")) == {"eve", "cem", "star", "dee"}
    assert people(society, "ann")[-1] == "dee"
    assert reasons["eve"] == "interested in the same"
    assert reasons["star"] == "followed by bob, whom you follow"


@pytest.mark.parametrize("kind", ["follow", "dislike"])
def test_nobody_is_suggested_whom_the_user_follows_or_turned_from(
    society: Tenant, kind: str
) -> None:
    society.events(follow("ann", "cem", kind=kind))
    run_nights(society, [NIGHT])

    assert {"ann", "bob", "cem"}.isdisjoint(people(society, "ann"))


def test_a_follow_that_was_taken_back_leads_to_nobody(society: Tenant) -> None:
    society.events(follow("ann", "bob", NEXT, "dislike"))
    run_nights(society, [NEXT])

    assert people(society, "ann") == ["eve"]


def test_several_friends_are_counted(society: Tenant) -> None:
    society.events(follow("ann", "eve"), follow("eve", "star"), follow("eve", "cem"))
    run_nights(society, [NIGHT])
    reasons = {row[1]: row[2] for row in society.rows(FOLLOWED) if row[0] == "ann"}

    assert reasons["star"] in {
        f"followed by {friend} and one more whom you follow" for friend in ("bob", "eve")
    }


def test_suggestions_follow_what_users_do(society: Tenant) -> None:
    run_nights(society, [NIGHT])
    society.events(follow("ann", "cem", NEXT))
    run_nights(society, [NEXT])

    assert "cem" not in people(society, "ann")


def test_other_presets_suggest_nobody(society: Tenant) -> None:
    run_nights(society, [NIGHT])
    assert people(society, "ann")
    shop = with_settings(society, preset="shop")
    run_nights(shop, [NIGHT])
    assert shop.rows(FOLLOWED) == []


def test_users_are_taken_once_though_the_source_has_them_twice(
    tenant: Tenant, tmp_path: Path
) -> None:
    for name in ("items", "events"):
        copy(ROOT / "source" / "app" / f"{name}.sql", tmp_path)
    (tmp_path / "users.sql").write_text(
        "create or replace temporary view source_users as select 'a'::text as user_id,"
        " jsonb_build_object('n', n) as attributes, null::timestamptz as created_at"
        " from generate_series(1, 2) as n"
    )
    tenant.run(extract, source=str(tmp_path))
    assert tenant.rows(KNOWN) == [("a", {"n": 1}, None)]
