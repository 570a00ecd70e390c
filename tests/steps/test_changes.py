"""What changes under a running installation: settings, the encoder, the catalogue, the past."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from encoders import save_tiny
from sources import NIGHT

from recsys_tasks import nightly
from recsys_tasks.backtesting import backtest
from recsys_tasks.errors import BadSettings, NightRefused
from recsys_tasks.steps import check, publish, rank

from .tenant import Tenant

NEXT = NIGHT + timedelta(days=1)
AFTER = NIGHT + timedelta(days=2)
SERVED_LISTS = "select * from recommendations order by user_id, rank"
# Of each user the interest as of the last active day: what live queries read.
NEWEST_INTERESTS = """
select distinct on (user_id, half_life) user_id, half_life, night, mass, alpha, vector::text
from user_interests
order by user_id, half_life, night desc
"""
NEIGHBOURS = "select * from similar_users order by user_id, rank"
LIVE = """
select item_id
from item_vectors
order by vector <#> (
    select sum(vector) from user_interests where user_id = %(user_id)s and night = %(night)s
)
"""


@pytest.fixture
def filled(tenant: Tenant) -> Tenant:
    """Four users were active on NIGHT, of whom u1 and u2 come back on NEXT."""
    tenant.items(*({"item_id": f"i{n}"} for n in range(12)))
    tenant.events(*({"user_id": f"u{n}", "item_id": f"i{n}"} for n in range(1, 5)))
    tenant.events(*({"user_id": f"u{n}", "item_id": f"i{n + 5}", "day": NEXT} for n in (1, 2)))
    return tenant


def changed(tenant: Tenant, **settings: object) -> Tenant:
    return Tenant(tenant.warehouse, tenant.settings.model_copy(update=settings))


def run_nights(tenant: Tenant, *nights: date) -> None:
    for night in nights:
        nightly.run_night(tenant.settings, night)


def emptied(tenant: Tenant) -> Tenant:
    """The same source, under a warehouse where no night has run."""
    with tenant.warehouse.transaction() as session:
        session.select(f"drop schema {tenant.warehouse.schema} cascade")
    tenant.warehouse.migrate()
    return tenant


def tables(tenant: Tenant, statements: Iterable[str]) -> list[list[tuple[object, ...]]]:
    return [tenant.rows(statement) for statement in statements]


def test_another_encoder_leaves_no_vector_of_the_one_before(filled: Tenant, tmp_path: Path) -> None:
    """Wider vectors, and users who are idle on the night of the change."""
    run_nights(filled, NIGHT, NEXT)
    wider = changed(filled, encoder=str(save_tiny(tmp_path / "wider", width=32)))
    run_nights(wider, AFTER)

    for relation in ("user_interests", "item_vectors"):
        assert wider.rows(f"select distinct vector_dims(vector) from {relation}") == [(32,)]
    assert len(wider.rows(LIVE, user_id="u3", night=NIGHT)) == 12
    found = tables(wider, (SERVED_LISTS, NEWEST_INTERESTS, NEIGHBOURS))
    assert all(found)

    run_nights(emptied(wider), AFTER)
    assert tables(wider, (SERVED_LISTS, NEWEST_INTERESTS, NEIGHBOURS)) == found


@pytest.mark.parametrize(
    "change",
    [
        {"half_lives": (5.0, 14.0, 90.0)},
        {"half_lives": (0.7, 14.0)},
        {"preset": "media"},
        {"list_length": 3},
    ],
    ids=str,
)
def test_other_settings_in_the_middle_end_in_the_tables_of_a_fresh_start(
    filled: Tenant, change: dict[str, object]
) -> None:
    run_nights(filled, NIGHT, NEXT)
    other = changed(filled, **change)
    run_nights(other, AFTER, AFTER)
    found = tables(other, (SERVED_LISTS, NEWEST_INTERESTS))
    assert all(found)

    run_nights(emptied(other), AFTER)
    assert tables(other, (SERVED_LISTS, NEWEST_INTERESTS)) == found


def test_a_past_that_is_corrected_shows_in_interests(filled: Tenant) -> None:
    """One event comes late and one turns out to be about another item; its weight is the same."""
    (event_id,) = filled.events({"user_id": "u3", "item_id": "i9"})
    run_nights(filled, NIGHT, NEXT)
    filled.events(
        {"event_id": event_id, "user_id": "u3", "item_id": "i10"},
        {"user_id": "u1", "item_id": "i11"},
    )
    run_nights(filled, AFTER)
    found = tables(filled, (SERVED_LISTS, NEWEST_INTERESTS))

    run_nights(emptied(filled), AFTER)
    assert tables(filled, (SERVED_LISTS, NEWEST_INTERESTS)) == found


def test_a_late_event_touches_no_user_but_its_own(filled: Tenant) -> None:
    """Others of its day keep their totals, and what was shown of them night by night."""
    run_nights(filled, NIGHT, NEXT)
    total = (
        "select interest_totals.xmin, interest_totals.ctid"
        " from interest_totals inner join users using (user_key)"
        " where user_id = %(user_id)s order by half_life"
    )
    shown = "select night from user_interests where user_id = 'u1' order by 1"
    before = {user_id: filled.rows(total, user_id=user_id) for user_id in ("u1", "u3")}
    nights = filled.rows(shown)

    filled.events({"user_id": "u3", "item_id": "i9"})
    run_nights(filled, AFTER)

    assert filled.rows(total, user_id="u3") != before["u3"]
    assert filled.rows(total, user_id="u1") == before["u1"]
    assert filled.rows(shown) == nights


def test_who_did_nothing_after_all_has_no_interest_and_no_neighbours(filled: Tenant) -> None:
    run_nights(filled, NIGHT)
    assert filled.rows("select 1 from similar_users where user_id = 'u4'")
    filled.rows("delete from app.events where user_id = 'u4'")
    run_nights(filled, NEXT)
    assert not filled.rows("select 1 from user_interests where user_id = 'u4'")
    assert not filled.rows("select 1 from similar_users where user_id = 'u4'")


def test_a_night_that_was_refused_does_not_stop_the_nights_after_it(filled: Tenant) -> None:
    """Nor is its draft published by them: it was made from what was known then."""
    run_nights(filled, NIGHT)
    for step in nightly.STEPS[:5]:
        nightly.run_step(step, NEXT, filled.settings)
    filled.rows("update draft_lists set scores[2] = 'NaN'")
    with pytest.raises(NightRefused):
        filled.run(check, NEXT)

    run_nights(filled, AFTER)
    assert filled.rows("select night from published_nights order by 1") == [(NIGHT,), (AFTER,)]

    run_nights(filled, NEXT)
    assert filled.rows("select night from published_nights order by 1") == [
        (NIGHT,),
        (NEXT,),
        (AFTER,),
    ]


def test_a_draft_beside_the_nights_own_is_left_to_its_own_run(filled: Tenant) -> None:
    """Two runs whose steps alternate: each publishes what it drafted."""
    for step in nightly.STEPS[:5]:
        for night in (NIGHT, NEXT):
            nightly.run_step(step, night, filled.settings)
    for night in (NIGHT, NEXT):
        assert filled.run(check, night)["nights"] == 1
        assert filled.run(publish, night) == {"nights": 1}
    assert filled.rows("select night from draft_nights") == []
    assert filled.run(check, NEXT)["nights"] == filled.run(publish, NEXT)["nights"] == 0


def test_an_older_night_brings_the_newest_lists_up_to_date(filled: Tenant) -> None:
    run_nights(filled, NIGHT, AFTER)
    filled.events({"user_id": "u4", "item_id": "i11"})
    for step in nightly.STEPS[:4]:
        nightly.run_step(step, NIGHT, filled.settings)
    assert filled.run(rank, NIGHT)["nights"] == 2
    assert filled.run(publish, NIGHT) == {"nights": 2}
    assert not filled.rows(
        "select 1 from recommendations where (user_id, item_id, night) = ('u4', 'i11', %(night)s)",
        night=AFTER,
    )


def test_what_does_not_exist_yet_is_nowhere(filled: Tenant) -> None:
    """An item that is announced for the day after NEXT."""
    announced = datetime.combine(AFTER, time(), UTC)
    filled.items({"item_id": "soon", "created_at": announced})
    filled.events({"user_id": "u4", "item_id": "soon"})
    places = (
        "select item_id from recommendations",
        "select item_id from recommend('nobody', 50)",
        "select item_id from item_vectors",
        "select item_id from trending_items",
        "select item_id from similar_items",
        "select neighbour from similar_items",
    )
    run_nights(filled, NIGHT)
    assert [place for place in places if ("soon",) in filled.rows(place)] == []
    run_nights(filled, NEXT, AFTER)
    assert [place for place in places if ("soon",) not in filled.rows(place)] == []


def test_items_that_go_come_back_and_sell_out(filled: Tenant) -> None:
    run_nights(filled, NIGHT)
    filled.rows("delete from app.items where item_id = 'i5'")
    filled.items({"item_id": "i6", "title": "blue lamp", "available": False})
    run_nights(filled, NEXT)
    gone = "select 1 from recommendations where item_id = any('{i5,i6}')"
    assert filled.rows(gone) == []
    assert filled.rows("select item_id from item_vectors where item_id = 'i5'") == []
    assert filled.rows("select is_available from item_vectors where item_id = 'i6'") == [(False,)]

    filled.items({"item_id": "i5", "title": "red cup"}, {"item_id": "i6", "title": "blue lamp"})
    run_nights(filled, AFTER)
    assert {("i5",), ("i6",)} <= set(filled.rows("select item_id from recommendations"))


def test_ids_may_be_anything(tenant: Tenant) -> None:
    odd = [
        "o'clock",
        '"',
        "a\tb\nc",
        "\\.",
        "%(user_id)s",
        "\u202e\U0001f600",
        "{1,2}",
        " ",
        "NULL",
    ]
    tenant.items(*({"item_id": name} for name in odd))
    tenant.events(
        *({"user_id": name, "item_id": odd[n - 1], "event_id": name} for n, name in enumerate(odd))
    )
    run_nights(tenant, NIGHT)
    assert set(tenant.taken()) == set(odd)
    for name in odd:
        rows = tenant.rows("select user_id, strategy from recommend(%(name)s, 5)", name=name)
        assert rows == [(name, "personal")] * 5


def test_an_id_that_no_index_holds_costs_its_row_alone(loose: Tenant) -> None:
    """What `load` rejects may come out of a mapped table."""
    loose.items({"item_id": "i1"}, {"item_id": "i2"})
    loose.rows(
        "insert into app.loose (event_id, user_id, item_id, event_type, occurred_at) values"
        " ('e1', 'u1', 'i1', 'view', '2024-03-01'),"
        " ('e2', (select string_agg(md5(n::text), '') from generate_series(1, 300) as s (n)),"
        "  'i1', 'view', '2024-03-01')"
    )
    run_nights(loose, NIGHT)
    assert loose.taken() == ["e1"]
    assert loose.rejected() == [("e2", "id over the limit of 1000 bytes")]


def test_one_user_one_item_and_no_text_at_all(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": None})
    tenant.events({"item_id": "i1", "event_type": "view"})
    run_nights(tenant, NIGHT, NEXT)
    assert tenant.rows("select item_id, strategy from recommend('u1', 5)") == [("i1", "trending")]
    assert tenant.rows("select count(*) from user_interests") == [(0,)]


def test_a_backtest_of_another_preset_changes_nothing_that_is_served(filled: Tenant) -> None:
    run_nights(filled, NIGHT, NEXT)
    looked_at = (
        SERVED_LISTS,
        "select * from recommend('nobody', 50)",
        "select * from event_types order by 1",
        "select * from models order by 1",
        "select * from interactions order by 1",
        "select * from interaction_days order by 1",
    )
    before = tables(filled, looked_at)
    other = changed(filled, preset="media", event_types={})
    backtest(other.warehouse, other.settings, NEXT, AFTER)
    assert tables(filled, looked_at) == before


def test_a_night_that_has_not_begun_is_refused(filled: Tenant) -> None:
    """A slip of the pen must not hide every list to come."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    with pytest.raises(BadSettings, match="has not begun"):
        nightly.run_night(filled.settings, tomorrow)
    assert filled.rows("select 1 from nights") == []
