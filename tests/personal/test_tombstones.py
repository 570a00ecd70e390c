"""Tombstones: nothing brings an erased user back, and nobody can read from one who that was."""

import json
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from steps.tenant import Tenant

from recsys_tasks import nightly
from recsys_tasks.erasing import erase, verify
from recsys_tasks.errors import BadReport, ErasureKeyMissing
from recsys_tasks.loading import load_folder
from recsys_tasks.maintaining import maintain
from recsys_tasks.steps import embed_items, extract
from recsys_tasks.warehouse.tombstones import Key

from .place import DAYS, JANE, OTHERS, TODAY, held, key_of

TOMORROW = TODAY + timedelta(days=1)
LISTS = """
select user_key, item_keys, scores, reason_items from recommendation_lists
where night = %(night)s order by user_key
"""
SECRET = "not to be guessed by anybody"  # noqa: S105  of a test


def with_key(tenant: Tenant, secret: str | None = SECRET) -> Tenant:
    key = None if secret is None else SecretStr(secret)
    settings = tenant.settings.model_copy(update={"erasure_key": key})
    return Tenant(tenant.warehouse, settings)


def test_a_night_of_before_gives_all_others_the_lists_that_they_had(place: Tenant) -> None:
    user_key = key_of(place, JANE)
    lists = [row for row in place.rows(LISTS, night=DAYS[-1]) if row[0] != user_key]
    erase(place.settings, JANE)

    nightly.run_night(place.settings, DAYS[-1])

    assert place.rows(LISTS, night=DAYS[-1]) == lists


def test_no_night_brings_an_erased_user_back(place: Tenant) -> None:
    """Late events, attributes, a night again, the next one, a day that goes on: all have her."""
    user_key = key_of(place, JANE)
    erase(place.settings, JANE)
    for day in (DAYS[1], DAYS[-1], TODAY, TOMORROW):
        place.events({"user_id": JANE, "item_id": "i9", "event_type": "like", "day": day})
    place.events({"user_id": "u1", "item_id": "i9", "event_type": "like", "day": TOMORROW})
    place.rows('update app.users set attributes = \'{"likes": ["plates"]}\'')

    counts = nightly.run_night(place.settings, DAYS[-1])
    nightly.run_night(place.settings, TODAY)
    nightly.run_refresh(place.settings, TOMORROW)

    assert counts["extract"]["erased"] == 2 * 7  # of the two days that changed
    assert held(place, JANE, user_key) == {}
    assert place.rows(f"select count(*) from interactions where day = '{TOMORROW}'") == [(1,)]


def test_whom_others_follow_keeps_no_name(place: Tenant) -> None:
    """Their interactions stay, with a pseudonym; she is suggested to nobody."""
    user_key = key_of(place, JANE)
    asked = "select count(*) from interactions inner join event_types using (event_type_key)"
    before = place.rows(f"{asked} where event_type = 'follow' and user_key != {user_key}")
    erase(place.settings, JANE)
    place.events({"user_id": "u6", "item_id": JANE, "event_type": "follow", "day": TODAY})
    place.items({"item_id": JANE, "title": "Jane herself"})

    nightly.run_night(place.settings, TODAY)

    ((n_before,),) = before
    assert place.rows(f"{asked} where event_type = 'follow'") == [(int(str(n_before)) + 1,)]
    assert held(place, JANE, user_key) == {}
    ((pseudonym,),) = place.rows("select item_id from items where item_id like 'erased:%'")
    assert (
        place.rows(f"select * from people_to_follow where person in ('{JANE}', '{pseudonym}')")
        == []
    )
    assert place.rows("select count(*) from people_to_follow") != [(0,)]
    assert place.run(embed_items, TODAY)["changed_items"] == 0


def test_a_file_that_is_loaded_does_not_bring_her_back(place: Tenant, tmp_path: Path) -> None:
    erase(place.settings, JANE, from_source=True)
    (tmp_path / "users.csv").write_text(f"user_id,country\n{JANE},France\nnew,France\n")
    (tmp_path / "events.csv").write_text(
        "event_id,user_id,item_id,event_type,occurred_at\n"
        f"x1,{JANE},i1,like,2024-03-02\nx2,{JANE},i1,like,yesterday\nx3,new,i1,like,2024-03-02\n"
    )

    users, events = load_folder(place.warehouse, tmp_path)

    refused = "the user was erased (such rows are not kept)"
    assert (users.kept, users.rejected) == (1, {refused: 1})
    assert (events.kept, events.rejected) == (1, {refused: 2})
    for owner in ("app.users where user_id", "app.events where user_id"):
        assert place.rows(f"select * from {owner} = '{JANE}'") == []
    assert place.rows(f"select * from rejected_interactions where row::text like '%{JANE}%'") == []


def test_a_backup_that_brought_her_back_is_mended_by_maintain(place: Tenant) -> None:
    """Restored from before the erasure, with the tombstones of after it."""
    user_key = key_of(place, JANE)
    place.rows("create table public.kept as select * from erasures")
    place.rows("create table public.kept_keys as select * from erasure_keys")
    erase(place.settings, JANE)
    place.rows("insert into public.kept select * from erasures")
    place.rows("insert into public.kept_keys select * from erasure_keys")
    place.rows("delete from erasures")
    nightly.run_night(place.settings, TODAY)
    back = key_of(place, JANE)
    place.rows("insert into erasures select * from public.kept")

    assert maintain(place.settings)["users_erased_again"] == 1
    assert held(place, JANE, user_key) == held(place, JANE, back) == {}
    assert maintain(place.settings)["users_erased_again"] == 0


def test_without_its_key_a_tombstone_stops_whatever_takes_users_in(
    place: Tenant, tmp_path: Path
) -> None:
    """In silence she would come back."""
    erase(with_key(place).settings, JANE)
    (tmp_path / "users.csv").write_text(f"user_id\n{JANE}\n")

    for tenant in (place, with_key(place, SECRET + "!")):
        with pytest.raises(ErasureKeyMissing, match="set RECSYS_ERASURE_KEY"):
            tenant.run(extract, TODAY)
        with pytest.raises(ErasureKeyMissing):
            erase(tenant.settings, OTHERS[0])
        with pytest.raises(ErasureKeyMissing):
            load_folder(place.warehouse, tmp_path, None, tenant.settings)
    place.events({"user_id": JANE, "item_id": "i9", "event_type": "like", "day": TODAY})
    assert with_key(place).run(extract, TODAY)["erased"]


def test_a_key_that_is_set_later_leaves_earlier_tombstones_valid(place: Tenant) -> None:
    erase(place.settings, JANE)
    keyed = with_key(place)
    erase(keyed.settings, OTHERS[0])
    for user_id in (JANE, OTHERS[0]):
        place.events({"user_id": user_id, "item_id": "i9", "event_type": "like", "day": TODAY})

    keyed.run(extract, TODAY)

    known = {user_id for (user_id,) in place.rows("select user_id from users")}
    assert known == set(OTHERS[1:])


def test_a_report_is_genuine_only_as_it_was_written(place: Tenant) -> None:
    keyed = with_key(place)
    report = erase(keyed.settings, JANE)
    written = report.as_json()

    assert verify(keyed.settings, written, JANE) == report
    assert JANE not in written
    assert place.rows("select count(*) from erasure_keys") == [(0,)]
    for changed, problem in (
        (json.dumps({**json.loads(written), "rows": {}}), "it was changed"),
        (json.dumps({**json.loads(written), "key_id": "0"}), "is not at hand"),
        (written[:-3], "is no report"),
        ('{"rows": 3}', "is no report"),
        ("[]", "is no report"),
    ):
        with pytest.raises(BadReport, match=problem):
            verify(keyed.settings, changed)
    with pytest.raises(BadReport, match="is about another user than 'u1'"):
        verify(keyed.settings, written, "u1")
    with pytest.raises(BadReport, match="is not at hand"):
        verify(place.settings, written)


@given(st.text(), st.text(), st.binary(min_size=16), st.binary(min_size=16))
def test_tombstones_tell_users_and_keys_apart(one: str, two: str, key: bytes, other: bytes) -> None:
    """Equal ids under one key meet again; nothing else does, nor shows the id or the key."""
    storable = [text.encode("utf-8", "replace").decode() for text in (one, two)]
    made = Key(key).tombstone(storable[0])

    assert (made == Key(key).tombstone(storable[1])) == (storable[0] == storable[1])
    assert (made == Key(other).tombstone(storable[0])) == (key == other)
    assert len(made) == 32
    assert made.hex() != Key(key).signature(storable[0].encode())


def test_an_erasure_waits_for_a_load_that_has_looked_already(place: Tenant) -> None:
    """Else its rejected rows would come after the search."""
    user_key = key_of(place, JANE)
    with place.warehouse.transaction() as loading:
        loading.execute("share_erasures")
        loading.select(
            "insert into rejected_interactions (reason, row, step)"
            " values ('late', jsonb_build_object('user_id', %(id)s), 'load')",
            {"id": JANE},
        )
        erasing = Thread(target=erase, args=(place.settings, JANE))
        erasing.start()
        erasing.join(timeout=1)
        assert erasing.is_alive()
    erasing.join()

    assert held(place, JANE, user_key) == {}
