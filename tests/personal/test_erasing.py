"""Erasing: nothing of a user is left, all else stays as it was, and the report proves it."""

import pytest
from steps.tenant import Tenant

from recsys_tasks.erasing import erase
from recsys_tasks.errors import BadSettings, ErasureIncomplete, NothingHeld
from recsys_tasks.steps import check, evaluate, publish

from .place import DAYS, JANE, OTHERS, OWN, SHARED, TABLES, TODAY, held, key_of

# Beside the tables of the view user_columns: where an id may stand in clear.
BY_ID = {"items", "nights", "rejected_interactions"}
# What a user is counted in, and so changes for all.
COUNTED = {"interaction_days", "published_nights"}
PERSONAL_NAMES = r"user|person|people|who|neighbour|follow|member|customer|visitor"
# Columns that are called so and hold no user's key.
HOLD_NOBODY = {
    ("draft_shards", "first_user_key"),  # ends of ranges
    ("draft_shards", "last_user_key"),
    ("experiment_sums", "n_users"),
    ("experiment_sums", "n_users_against"),
    ("item_neighbours", "neighbour_keys"),  # of items
    ("live_recalls", "n_users"),
    ("suggested_people", "n_followed_by"),
    ("users", "user_id"),
}


def user_columns(tenant: Tenant) -> set[tuple[object, ...]]:
    return set(tenant.rows("select relation, column_name from user_columns"))


def test_every_column_that_holds_users_held_jane_and_none_does_afterwards(place: Tenant) -> None:
    """Found by reading all rows of all tables as text, not by any list of tables."""
    user_key = key_of(place, JANE)
    tables = {str(table) for table, _ in user_columns(place)}
    assert set(held(place, JANE, user_key)) == tables | BY_ID

    report = erase(place.settings, JANE)

    assert held(place, JANE, user_key) == {}
    assert all(report.rows[table] for table in tables | BY_ID | {"texts", "text_vectors"})
    assert report.rows["others in user_neighbours"]
    assert report.rows["others in suggested_people"]


def test_a_column_that_is_named_after_users_is_known_to_hold_them(place: Tenant) -> None:
    """Whoever adds a table with users gives it a key that references users, or a comment."""
    named = place.rows(
        "select columns.table_name::text, columns.column_name::text from information_schema.columns"
        " inner join information_schema.tables using (table_schema, table_name)"
        " where table_schema = current_schema() and table_type = 'BASE TABLE'"
        f" and column_name ~ '{PERSONAL_NAMES}' and columns.table_name !~ '^lists_'"
    )

    assert set(named) - user_columns(place) == HOLD_NOBODY


def test_a_table_of_a_later_version_is_emptied_of_the_user_unasked(place: Tenant) -> None:
    place.rows("create table favourites (whose integer references users, item_key integer)")
    place.rows("insert into favourites select user_key, 1 from users")

    report = erase(place.settings, JANE)

    assert report.rows["favourites"] == 1
    assert place.rows("select count(*) from favourites") == [(len(OTHERS),)]


@pytest.mark.parametrize("column", ["text", "text[]", "jsonb"])
def test_a_user_who_would_be_left_somewhere_is_not_erased_at_all(
    place: Tenant, column: str
) -> None:
    value = {"text": f"'{JANE}'", "text[]": f"array['x', '{JANE}']"}
    literal = value.get(column, f'\'{{"of": [{{"user_id": "{JANE}"}}]}}\'')
    place.rows(f"create table copies (owner {column})")
    place.rows(f"insert into copies values ({literal})")
    before = held(place, JANE, key_of(place, JANE))

    with pytest.raises(ErasureIncomplete, match=r"copies\.owner would still name them"):
        erase(place.settings, JANE)

    assert held(place, JANE, key_of(place, JANE)) == before


def others(tenant: Tenant, user_key: int) -> dict[str, list[tuple[object, ...]]]:
    """Rows of every table that do not hold jane, as text."""
    return {
        str(table): tenant.rows(
            f"select to_jsonb(held)::text from {table} as held"
            " where strpos(to_jsonb(held)::text, %(user_id)s) = 0"
            " and strpos(to_jsonb(held)::text, %(user_key)s) = 0 order by 1",
            user_id=JANE,
            user_key=str(user_key),
        )
        for (table,) in tenant.rows(TABLES)
    }


def test_rows_of_others_stay_to_the_last_bit(place: Tenant) -> None:
    """All tables; jane's name was in some, of which those of others lose just that."""
    user_key = key_of(place, JANE)
    before = others(place, user_key)
    own = place.rows(f"select text_key from texts where content = '{OWN}'")

    erase(place.settings, JANE)

    after = others(place, user_key)
    for table in before.keys() - COUNTED - {"texts", "text_vectors", "topic_texts"}:
        gone = [row for row in before[table] if row not in after[table]]
        assert gone == [], table
    for table in ("texts", "text_vectors"):
        gone = [row for row in before[table] if row not in after[table]]
        assert len(gone) == len(own) == 1, table
    assert place.rows(f"select count(*) from texts where content = '{SHARED}'") == [(1,)]


def test_neighbours_of_others_lose_her_and_keep_their_order(place: Tenant) -> None:
    asked = "select user_id, neighbour, score from similar_users order by user_id, rank"
    before = [row for row in place.rows(asked) if JANE not in row]

    erase(place.settings, JANE)

    assert place.rows(asked) == before


def test_numbers_of_days_and_nights_are_those_of_the_rows_that_stay(place: Tenant) -> None:
    erase(place.settings, JANE)

    assert (
        place.rows(
            "select day, n_interactions, n_rejected from interaction_days"
            " except select day, (select count(*) from interactions as i where i.day = days.day),"
            " (select count(*) from rejected_interactions as r where r.day = days.day)"
            " from interaction_days as days"
        )
        == []
    )
    assert place.rows("select distinct n_lists from published_nights") == [(len(OTHERS),)]


def test_evaluations_stand_and_can_be_made_again(place: Tenant) -> None:
    stood = "select * from evaluations order by night, target, variant, segment, metric, k"
    before = place.rows(stood)

    erase(place.settings, JANE)

    assert place.rows(stood) == before
    assert place.run(evaluate, DAYS[-1])["nights"]


def test_an_erasure_again_gives_the_report_of_then(place: Tenant) -> None:
    """As when a task is retried that was cut off after its commit."""
    report = erase(place.settings, JANE)

    assert erase(place.settings, JANE) == report


@pytest.mark.parametrize("user_id", ["nobody", "", "a\0b", "\udcff"])
def test_whoever_is_not_known_is_told_apart_and_leaves_nothing(place: Tenant, user_id: str) -> None:
    with pytest.raises(NothingHeld, match="Nothing is held about user"):
        erase(place.settings, user_id)

    assert place.rows("select count(*) from erasures") == [(0,)]
    assert place.rows("select count(*) from erasure_keys") == [(0,)]


def test_whoever_is_not_known_is_kept_out_on_request(place: Tenant) -> None:
    report = erase(place.settings, "later", leave_tombstone=True)
    place.events({"user_id": "later", "item_id": "i1", "event_type": "like", "day": TODAY})

    assert not any(report.rows.values())
    assert place.extract(TODAY)["erased"] == 1
    assert place.rows("select count(*) from users where user_id = 'later'") == [(0,)]


@pytest.mark.parametrize(
    "user_id",
    ["1", "red", "view", "i1", "content", "%(user_id)s", "a'b\"c\\d%", "x.*(y)[", "名前", " a\tb "],
)
def test_any_id_can_be_erased_and_nothing_of_its_name_elsewhere(
    tenant: Tenant, user_id: str
) -> None:
    """An id may be a number, a word of the product, of an item, or look like SQL or a pattern."""
    tenant.items({"item_id": "i1", "title": "red"}, {"item_id": "1", "title": "view"})
    for who in (user_id, "other"):
        tenant.events({"user_id": who, "item_id": "i1"}, {"user_id": who, "item_id": "1"})
        tenant.events({"user_id": who, "event_type": "moan"})
    tenant.draft()
    asked = "select items.item_id, title, content from items left join texts using (text_key)"
    before = tenant.rows(asked)

    report = erase(tenant.settings, user_id)

    assert (report.rows["interactions"], report.rows["rejected_interactions"]) == (2, 1)
    assert tenant.rows(asked) == before
    assert tenant.rows("select user_id from users") == [("other",)]
    assert tenant.rows("select count(*) from interactions") == [(2,)]


def test_a_mention_by_somebody_else_is_told_and_stays(place: Tenant) -> None:
    """What others wrote is theirs."""
    words = f"as {JANE} said"
    place.rows(
        "with written as (insert into texts (content_hash, content)"
        f" values ('x', '{words}') returning text_key)"
        " update items set text_key = written.text_key from written"
        " where item_key = (select max(item_key) from items)"
    )

    report = erase(place.settings, JANE)

    assert report.mentioned == {"texts.content": 1}
    assert place.rows(f"select count(*) from texts where content = '{words}'") == [(1,)]


def test_loaded_rows_go_on_request_and_are_told_otherwise(place: Tenant) -> None:
    report = erase(place.settings, JANE)
    asked = f"select count(*) from app.events where user_id = '{JANE}'"
    ((n_events,),) = place.rows(asked)
    assert report.rows_in_source == int(str(n_events)) + 1

    again = erase(place.settings, JANE, from_source=True)

    assert again.rows_in_source == 0
    assert (again.rows["app.events"], again.rows["app.users"]) == (n_events, 1)
    assert place.rows(asked) == [(0,)]


def test_a_source_of_ones_own_is_not_changed(place: Tenant) -> None:
    settings = place.settings.model_copy(update={"source": "example_shop"})

    with pytest.raises(BadSettings, match="only read"):
        erase(settings, JANE, from_source=True)


def test_a_line_that_could_not_be_read_goes_with_the_user_in_it(tenant: Tenant) -> None:
    for line in (f'e1,"{JANE}",i1,view', "e2,somebody,i1,view"):
        tenant.rows(
            "insert into rejected_interactions (reason, row, step)"
            " values ('cut', jsonb_build_object('line', %(line)s), 'load')",
            line=line,
        )

    assert erase(tenant.settings, JANE).rows["rejected_interactions"] == 1
    assert tenant.rows("select row ->> 'line' from rejected_interactions") == [
        ("e2,somebody,i1,view",)
    ]


def test_the_middle_of_a_night_is_no_bad_time(place: Tenant) -> None:
    """The draft loses her list, and the night goes on to be published without."""
    erase(place.settings, JANE)
    place.run(check, TODAY)
    place.run(publish, TODAY)

    assert place.rows(f"select count(*) from recommendation_lists where night = '{TODAY}'") == [
        (len(OTHERS),)
    ]
