"""Pseudonyms: the same rows as without, the way back for who may have it, rotation, and no leak."""

import re
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from faults.contents import Rows, differences, state_of
from psycopg2.extras import Json
from pydantic import SecretStr
from sources import NIGHT
from steps.made_days import NIGHTS
from steps.tenant import Tenant
from structlog.testing import capture_logs

from recsys_tasks import nightly
from recsys_tasks.erasing import erase
from recsys_tasks.errors import BadSettings, IdentityKeyDiffers, NothingHeld
from recsys_tasks.exporting import export
from recsys_tasks.loading import load_folder
from recsys_tasks.renaming import give_back, rotate
from recsys_tasks.settings import Privacy
from recsys_tasks.steps import extract
from recsys_tasks.warehouse.queries import ROOT
from recsys_tasks.warehouse.tombstones import Key

from .place import ADD_USER

SECRETS = ("first secret of 32 characters...", "second secret of 32 characters..")
USERS = [f"u{n}" for n in range(12)]
ADA = "ada-7f3a@example.org"  # like nothing else in the schema
# Queries that take or give what the tables call users: new ones, a log, an erasure; and a social
# place, where there are no pseudonyms.
OF_THE_TABLES = {"insert_users", "insert_known_users", "ids_of_users", "name_of_user", "follows"}
# What depends on the key, and on when a night ran.
OWN = ("identity_keys", "users", "erasure_keys")


def keyed(tenant: Tenant, secret: str = SECRETS[0], **changes: object) -> Tenant:
    changes["identity_key"] = SecretStr(secret)
    return replace(tenant, settings=tenant.settings.model_copy(update=changes))


def in_schema(tenant: Tenant, name: str) -> Tenant:
    return replace(tenant, settings=tenant.settings.model_copy(update={"schema_name": name}))


def rows_of(tenant: Tenant, secret: str | None = None) -> Rows:
    """All rows of a tenant; what a key made of the ids of USERS is turned back."""
    state = state_of(str(tenant.settings.dsn), tenant.settings.schema_name)
    names = {Key(secret.encode()).pseudonym(user): user for user in USERS} if secret else {}

    def told(row: str) -> str:
        for pseudonym, user in names.items():
            row = row.replace(pseudonym, user)
        return row

    return {table: sorted(map(told, rows)) for table, rows in state.rows.items()}


def run_nights(tenant: Tenant, n: int) -> None:
    for day in NIGHTS[:n]:
        nightly.run_night(tenant.settings, day)


def everywhere(tenant: Tenant) -> str:
    """All of the schema as text, but for what is kept apart."""
    state = state_of(str(tenant.settings.dsn), tenant.settings.schema_name)
    return repr(state.rows)


def listed(tenant: Tenant, user: str = "u1") -> list[tuple[object, ...]]:
    return tenant.rows(
        "select user_id, rank, item_id, score from recommend(%(user)s, 5)", user=user
    )


def test_with_a_key_the_same_rows_come_out_but_for_what_users_are_called(filled: Tenant) -> None:
    filled.rows(ADD_USER, user_id="u3", attributes=Json({"likes": "lamps"}))
    variants = {"variants": {"bold": {"share": 0.5, "diversity": 0.8}}}
    plain = in_schema(filled, "plain")
    plain = replace(
        plain, settings=plain.settings.model_validate({**plain.settings.model_dump(), **variants})
    )
    secret = keyed(in_schema(plain, "keyed"))
    for tenant in (plain, secret):
        run_nights(tenant, 2)

    assert differences(rows_of(plain), rows_of(secret, SECRETS[0]), *OWN) == []
    assert not any(f"'{user}'" in everywhere(secret) for user in USERS)
    shown = [
        state_of(str(tenant.settings.dsn), tenant.settings.schema_name).shown
        for tenant in (plain, secret)
    ]
    assert shown[0] == shown[1]


def test_a_day_taken_again_changes_nothing(filled: Tenant) -> None:
    tenant = keyed(filled)
    tenant.extract(NIGHTS[1])
    once = rows_of(tenant)
    again = "update interaction_days set source_fingerprint = '' returning day"
    assert len(tenant.rows(again)) == 2

    assert tenant.extract(NIGHTS[1])["days"] == 2

    assert differences(rows_of(tenant), once) == []


def test_applications_go_on_asking_by_their_own_ids(filled: Tenant) -> None:
    run_nights(filled, 1)
    before = listed(filled)
    n_similar = filled.rows("select count(*) from similar_users where user_id = 'u1'")

    rotate(keyed(filled).settings)

    assert listed(filled) == before
    assert {user for user, *_ in before} == {"u1"}
    for view in ("recommendations", "user_interests", "named_users"):
        assert filled.rows(f"select user_id from {view} where user_id = 'u1' limit 1") == [("u1",)]
    assert filled.rows("select count(*) from similar_users where user_id = 'u1'") == n_similar
    assert filled.rows("select * from users where user_id = 'u1'") == []


def test_queries_know_users_as_applications_do() -> None:
    """Whoever adds one reads `named_users`."""
    found = set()
    for path in (*ROOT.glob("queries/*.sql"), *ROOT.glob("pages/*.sql")):
        for query in path.read_text("utf-8").split("-- name: ")[1:]:
            reads = re.search(r"\b(from|join|into) users\b(?! as)", query)
            if path.stem != "identities" and reads and "users.user_id" in query:
                found.add(query.split()[0].rstrip("!"))
    assert found == OF_THE_TABLES


def test_rotation_renames_and_changes_nothing_else(filled: Tenant) -> None:
    filled.events({"event_id": "bad", "user_id": "u1", "event_type": "moan", "day": NIGHTS[0]})
    filled.events({
        "event_id": "worse",
        "user_id": "nobody",
        "event_type": "moan",
        "day": NIGHTS[0],
    })
    run_nights(filled, 1)
    plain = rows_of(filled)

    assert rotate(keyed(filled).settings) > 9
    assert rotate(keyed(filled).settings) == 0
    first = rows_of(filled, SECRETS[0])
    assert differences(first, plain, *OWN, "rejected_interactions") == []
    assert filled.rows("select count(*) from rejected_interactions") == [(2,)]
    assert "nobody" not in everywhere(filled)

    rotate(keyed(filled, SECRETS[1]).settings)
    second = rows_of(filled, SECRETS[1])
    assert differences(second, plain, *OWN, "rejected_interactions") == []
    assert len(second["rejected_interactions"]) == 1  # nobody's leads nowhere
    keyed(filled, SECRETS[1]).extract(NIGHTS[1])
    later = rows_of(filled, SECRETS[1])

    give_back(filled.settings)
    filled.extract(NIGHTS[1])
    assert differences(rows_of(filled), later, *OWN) == []
    named = "select user_key, user_id from users order by 1"
    assert len(filled.rows(named)) == 12
    assert filled.rows(named.replace("users", "named_users")) == filled.rows(named)
    assert {user for _, user in filled.rows(named)} == {*USERS}
    assert filled.rows("select to_regnamespace('recsys_identities')") == [(None,)]


def test_a_key_that_is_missing_or_another_stops_the_night(filled: Tenant) -> None:
    filled.extract(NIGHTS[0])
    with pytest.raises(IdentityKeyDiffers, match=r"as in the source.*identities rotate"):
        keyed(filled).extract(NIGHTS[1])

    rotate(keyed(filled).settings)

    with pytest.raises(IdentityKeyDiffers, match="is not set: set it"):
        filled.extract(NIGHTS[1])
    with pytest.raises(IdentityKeyDiffers, match="identities rotate"):
        keyed(filled, SECRETS[1]).extract(NIGHTS[1])
    keyed(filled).extract(NIGHTS[1])


def test_the_key_is_written_nowhere(filled: Tenant) -> None:
    """Nor are the keys of erasures and of noise, as they are or as bytes."""
    others = {name: SecretStr(f"a secret of the {name}") for name in ("erasure_key", "noise_key")}
    secrets = [*SECRETS, *(secret.get_secret_value() for secret in others.values())]
    privacy = Privacy(epsilon=1.0, evaluation_epsilon=1.0)
    tenant = keyed(filled, SECRETS[0], privacy=privacy, **others)
    with capture_logs() as logs:
        run_nights(tenant, 2)
        report = erase(tenant.settings, USERS[1])
        with pytest.raises(IdentityKeyDiffers) as error:
            keyed(filled, SECRETS[1], **others).extract(NIGHTS[1])

    assert tenant.rows("select distinct mechanism from noise_releases order by 1") == [
        ("evaluations",),
        ("trends",),
    ]
    told = everywhere(tenant) + repr(logs) + str(error.value) + report.as_json()
    told += repr(tenant.settings)
    assert [secret for secret in secrets if secret in told] == []
    assert [secret for secret in secrets if secret.encode().hex() in told] == []
    assert SECRETS[1] not in repr(keyed(filled, SECRETS[1]).settings)


def test_what_names_somebody_is_not_taken(tenant: Tenant) -> None:
    for user in ("old", "new"):
        attributes = Json({"name": "Ada Lovelace", "likes": "lamps"})
        tenant.rows(ADD_USER, user_id=user, attributes=attributes)
        tenant.extract()
        rotate(keyed(tenant).settings)
        keyed(tenant).extract()
        give_back(tenant.settings)
        assert tenant.rows("select distinct attributes from users") == [({"likes": "lamps"},)]


def test_rejected_rows_and_lines_name_nobody(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(
        "event_id,user_id,item_id,event_type,occurred_at\n"
        f"e1,{ADA},i1,view,never\ne2,{ADA},i1,view,2024-03-01,much,too,long\n"
    )
    tenant.events({"event_id": "e3", "user_id": ADA, "event_type": "moan"})
    load_folder(tenant.warehouse, tmp_path, settings=keyed(tenant).settings)
    keyed(tenant).extract()

    assert tenant.rows("select count(*) from rejected_interactions") == [(3,)]
    assert ADA not in everywhere(tenant)


def test_an_erasure_finds_the_person_and_forgets_the_way_back(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1"})
    tenant.events(
        {"event_id": "e1", "user_id": ADA},
        {"event_id": "e2", "user_id": ADA, "event_type": "moan"},
        {"event_id": "e3", "user_id": "u2"},
    )
    secret = keyed(tenant)
    secret.extract()
    tenant.rows(
        "insert into nights (day, step, state, fingerprint, started_at, note)"
        f" select date '{NIGHT}', 'rank', 'done', '', now(), 'user ' || user_id || ' is odd'"
        " from users order by user_key limit 1"
    )
    assert [row["event_id"] for row in export(secret.settings, ADA).tables["interactions"]] == [
        "e1"
    ]
    assert len(export(secret.settings, ADA).tables["rejected_interactions"]) == 1

    report = erase(secret.settings, ADA)

    assert (report.rows["interactions"], report.rows["rejected_interactions"]) == (1, 1)
    assert tenant.rows("select user_id from identities") == [("u2",)]
    pseudonym = Key(SECRETS[0].encode()).pseudonym(ADA)
    assert pseudonym not in everywhere(tenant)
    tenant.rows("update interaction_days set source_fingerprint = ''")
    assert secret.extract()["erased"] == 2  # the tombstone is of the source's id
    with pytest.raises(NothingHeld):
        export(secret.settings, ADA)


def test_nobody_but_the_owner_reads_who_is_behind_a_pseudonym(filled: Tenant) -> None:
    run_nights(keyed(filled), 1)
    apart = "recsys_identities.identities"
    pseudonymous = {"pseudonymous_interactions", "pseudonymous_topics"}
    views = {
        "pipeline": {"named_users", "identities", "recommendations", *pseudonymous},
        "reader": {"recommendations"},
        "analyst": pseudonymous,
    }
    may = "select has_table_privilege('recsys_' || %(role)s, %(name)s, 'select')"
    for role, readable in views.items():
        for name in {apart, *set().union(*views.values())}:
            assert filled.rows(may, role=role, name=name) == [(name in readable,)], (role, name)
    connection = psycopg2.connect(filled.settings.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("set role recsys_analyst")
        cursor.execute("select distinct pseudonym from recsys.pseudonymous_interactions")
        pseudonyms = {pseudonym for (pseudonym,) in cursor.fetchall()}
    connection.close()
    assert pseudonyms <= {Key(SECRETS[0].encode()).pseudonym(user) for user in USERS}
    assert pseudonyms


def test_analysts_see_no_row_where_users_have_no_pseudonyms(filled: Tenant) -> None:
    run_nights(filled, 1)

    assert filled.rows("select * from pseudonymous_interactions") == []
    assert filled.rows("select * from pseudonymous_topics") == []


def test_a_place_whose_items_are_people_has_no_pseudonyms(tenant: Tenant) -> None:
    with pytest.raises(BadSettings, match="an item's id may name a user"):
        keyed(tenant, preset="social").run(extract)


def test_without_a_key_there_is_nothing_to_rotate_to(tenant: Tenant) -> None:
    with pytest.raises(BadSettings, match="RECSYS_IDENTITY_KEY is not set"):
        rotate(tenant.settings)
    assert give_back(tenant.settings) == 0
