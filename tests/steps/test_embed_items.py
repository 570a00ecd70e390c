"""Embed items: what is encoded, what is linked, and what an item without text still does."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sources import NIGHT

from recsys_tasks.steps import accumulate, embed_items, extract, publish

from .tenant import Tenant

LATER = datetime(2024, 6, 1, tzinfo=UTC)
ITEM_TEXTS = """
select
    items.item_id,
    texts.content
from items
left join texts on items.text_key = texts.text_key
order by items.item_id
"""
# All that embed_items writes, but for moments.
WRITTEN = (
    "select * from items order by item_key",
    "select * from texts order by text_key",
    "select encoder_id, text_key, vector::text from text_vectors order by text_key",
    "select model_key, model_id, state from models",
    "select event_id, text_key, content from interactions order by event_id",
)


def vectors(tenant: Tenant, **changes: object) -> int:
    """How many texts the step encoded."""
    return tenant.run(embed_items, NIGHT, **changes)["vectors"]


def test_only_what_is_new_or_changed_is_encoded(tenant: Tenant) -> None:
    tenant.items(
        {"item_id": "i1", "title": "red cup"},
        {"item_id": "i2", "title": "blue lamp"},
    )
    assert vectors(tenant) == 2

    tenant.items({"item_id": "i3", "title": "old plate"}, {"item_id": "i2", "title": "new lamp"})

    assert tenant.run(embed_items) == {"changed_items": 2, "user_texts": 0, "vectors": 2}
    assert tenant.run(embed_items) == {"changed_items": 0, "user_texts": 0, "vectors": 0}


def test_what_the_model_does_not_read_is_taken_without_encoding(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "red cup"})
    tenant.run(embed_items)
    tenant.items({"item_id": "i1", "title": "red cup", "available": False})

    assert tenant.run(embed_items) == {"changed_items": 1, "user_texts": 0, "vectors": 0}
    assert tenant.rows("select is_available from items") == [(False,)]


def test_that_a_row_was_updated_is_no_change(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "red cup"})
    tenant.run(embed_items)
    tenant.items({"item_id": "i1", "title": "red cup", "updated_at": LATER})

    assert tenant.run(embed_items)["changed_items"] == 0


def test_equal_texts_are_encoded_once_whoever_wrote_them(tenant: Tenant) -> None:
    tenant.items({"title": "Red cup"}, {"title": " Red  cup "}, {"title": "<b>Red cup</b>"})
    tenant.events(
        {"event_type": "search", "item_id": None, "text": "Red cup"},
        {"event_type": "search", "item_id": None, "text": "blue lamp"},
    )
    tenant.run(extract)

    assert tenant.run(embed_items) == {"changed_items": 3, "user_texts": 2, "vectors": 2}


def test_every_field_that_has_words_is_read(tenant: Tenant) -> None:
    tenant.items(
        {
            "item_id": "i1",
            "title": "Cup",
            "description": "Holds tea.",
            "category": "Kitchen",
            "attributes": {"colour": "red"},
        },
        {"item_id": "i2", "title": "Lamp", "attributes": ["old", "large"]},
    )
    tenant.run(embed_items)

    assert tenant.rows(ITEM_TEXTS) == [
        ("i1", "Cup. Kitchen. Holds tea. colour: red"),
        ("i2", "Lamp. attributes: old, large"),
    ]


def test_an_item_without_text_has_no_vector_and_trends(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": " "}, {"item_id": "i2", "title": "red cup"})
    tenant.events({"item_id": "i1"}, {"item_id": "i1", "user_id": "u2"})
    tenant.draft()
    tenant.run(publish)

    assert tenant.rows(ITEM_TEXTS)[0] == ("i1", None)
    assert tenant.rows("select item_id from item_vectors") == [("i2",)]
    assert tenant.rows(
        "select item_id, mass from daily_trends inner join items using (item_key)"
    ) == [("i1", 2.0)]
    assert ("i1",) in tenant.rows("select item_id from trending_items where rank = 1")


def test_an_item_that_left_the_catalogue_is_unlisted_and_comes_back(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "red cup"}, {"item_id": "i2", "title": "blue lamp"})
    tenant.run(embed_items)
    listed = "select item_id from items where is_listed order by item_id"

    tenant.rows("delete from app.items where item_id = 'i1'")
    tenant.run(embed_items)
    assert tenant.rows(listed) == [("i2",)]

    tenant.items({"item_id": "i1", "title": "red cup"})
    assert vectors(tenant) == 0
    assert tenant.rows(listed) == [("i1",), ("i2",)]


def test_of_catalogue_rows_with_one_id_the_last_updated_counts(
    tenant: Tenant,
) -> None:
    tenant.rows(
        "alter table app.items drop constraint items_pkey;"
        " insert into app.items (item_id, title, updated_at) values"
        " ('i1', 'unknown', null), ('i1', 'new', '2024-02-01'), ('i1', 'old', '2024-01-01')"
    )

    assert tenant.run(embed_items)["changed_items"] == 1
    assert tenant.rows("select title from items") == [("new",)]
    assert tenant.run(embed_items)["changed_items"] == 0


def test_what_users_wrote_is_cleaned_linked_and_not_kept_twice(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1"})
    tenant.events(
        {"event_id": "e1", "event_type": "review", "text": "A <b>red</b>&nbsp;cup\n"},
        {"event_id": "e2", "event_type": "review", "text": "A red cup"},
        {"event_id": "e3", "event_type": "review", "text": "<br/>"},
        {"event_id": "e4"},
    )
    tenant.run(extract)
    tenant.run(embed_items)

    assert tenant.rows(
        "select event_id, texts.content, interactions.content"
        " from interactions left join texts using (text_key) order by event_id"
    ) == [
        ("e1", "A red cup", None),
        ("e2", "A red cup", None),
        ("e3", None, None),
        ("e4", None, None),
    ]
    assert tenant.run(embed_items)["user_texts"] == 0


def test_texts_survive_the_way_into_the_database(tenant: Tenant) -> None:
    """Quotes, separators, line ends and what COPY takes for its own."""
    texts = ['a "b", c', "a;b\tc", "a\r\nb", "\\.", "a\n\\.\nb", "\\N", "%s %(x)s", "naïve 🌊"]
    tenant.items({"item_id": "i1"})
    tenant.events(*({"event_type": "review", "text": text} for text in texts))
    tenant.run(extract)

    assert tenant.run(embed_items)["user_texts"] == len(texts)
    assert tenant.rows("select count(distinct text_key), count(content) from interactions") == [
        (len(texts), 0)
    ]


def test_a_late_catalogue_row_makes_its_days_anew(tenant: Tenant) -> None:
    tenant.items({"item_id": "i2", "title": "blue lamp"})
    tenant.events({"item_id": "i1"}, {"item_id": "i2", "day": NIGHT - timedelta(days=1)})
    for step in (extract, embed_items, accumulate):
        tenant.run(step)
    tenant.items({"item_id": "i1", "title": "red cup"})

    assert vectors(tenant) == 1
    assert tenant.run(accumulate)["days"] == 1
    assert tenant.rows(
        "select count(*) from daily_interests where day = '2024-03-01' and vector_norm(total) > 0.1"
    ) != [(0,)]


def test_a_text_that_changed_does_not_rewrite_the_past(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "red cup"})
    tenant.events({"item_id": "i1"})
    for step in (extract, embed_items, accumulate):
        tenant.run(step)
    tenant.items({"item_id": "i1", "title": "blue lamp"})
    tenant.run(embed_items)

    assert tenant.run(accumulate)["days"] == 0


def test_running_twice_changes_nothing(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "red cup"}, {"item_id": "i2", "title": None})
    tenant.events({"event_type": "review", "text": "old"})
    tenant.run(extract)
    tenant.run(embed_items)
    before = [tenant.rows(statement) for statement in WRITTEN]

    tenant.run(embed_items)

    assert [tenant.rows(statement) for statement in WRITTEN] == before


def test_other_half_lives_are_another_model_of_the_same_vectors(tenant: Tenant) -> None:
    tenant.items({"title": "red cup"})
    tenant.run(embed_items)

    assert vectors(tenant, half_lives=(1.0, 30.0)) == 0
    assert tenant.rows("select state from models order by model_key") == [
        ("retired",),
        ("serving",),
    ]


def test_other_rules_encode_what_they_change_and_nothing_else(tenant: Tenant) -> None:
    tenant.items({"title": "red cup"}, {"title": "blue lamp", "description": "Free shipping."})
    assert vectors(tenant) == 2

    titles = "{title}"
    assert tenant.run(embed_items, item_template=titles) == {
        "changed_items": 2,
        "user_texts": 0,
        "vectors": 1,
    }
    assert tenant.run(embed_items, item_template=titles)["changed_items"] == 0
    assert vectors(tenant) == 0


def test_boilerplate_and_stop_words_are_left_out(tenant: Tenant) -> None:
    tenant.items(*({"title": f"The cup {n}", "description": "Free shipping."} for n in range(3)))
    tenant.run(embed_items, boilerplate=0.9, stop_words=("the",))

    assert sorted(str(row[1]) for row in tenant.rows(ITEM_TEXTS)) == ["cup 0", "cup 1", "cup 2"]


def test_two_prompts_are_two_vectors_until_an_item_has_the_text(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "red cup"})
    tenant.events({"event_type": "search", "item_id": None, "text": "blue lamp"})
    tenant.run(extract)
    prompts: dict[str, Any] = {"item_prompt": "new ", "user_prompt": "old "}
    by_users = "select content, is_query from text_vectors inner join texts using (text_key)"

    assert vectors(tenant, **prompts) == 2
    assert sorted(tenant.rows(by_users)) == [("blue lamp", True), ("red cup", False)]

    tenant.items({"item_id": "i2", "title": "blue lamp"})
    assert vectors(tenant, **prompts) == 1
    assert vectors(tenant, **prompts) == 0
    assert sorted(tenant.rows(by_users)) == [("blue lamp", False), ("red cup", False)]


def test_items_that_say_the_same_are_linked_to_the_first(tenant: Tenant) -> None:
    duplicates = "select item_id, original_id, likeness from item_duplicates order by item_id"
    tenant.items(
        {"item_id": "i1", "title": "red cup"},
        {"item_id": "i2", "title": "<b>red</b> cup"},
        {"item_id": "i3", "title": "large old green plate"},
    )
    tenant.run(embed_items, duplicates=1.0)
    assert tenant.rows(duplicates) == [("i2", "i1", 1.0)]

    # The tiny encoder does not know capitals: another text with the same vector.
    tenant.items({"item_id": "i4", "title": "RED cup"})
    tenant.run(embed_items, duplicates=1.0)
    assert len(tenant.rows(duplicates)) == 1
    tenant.run(embed_items)
    found = tenant.rows(duplicates)
    assert [row[:2] for row in found] == [("i2", "i1"), ("i4", "i1")]

    tenant.rows("delete from app.items where item_id = 'i2'")
    tenant.run(embed_items)
    assert [row[:2] for row in tenant.rows(duplicates)] == [("i4", "i1")]


def test_texts_that_do_not_suit_the_encoder_are_noted(tenant: Tenant) -> None:
    tenant.items({"title": "Большая красная чашка"})

    with tenant.warehouse.transaction(exclusive=True) as session:
        embed_items.run(session, tenant.settings, NIGHT)
        notes = list(session.notes)

    assert len(notes) == 1
    assert "unknown" in notes[0]
    assert "RECSYS_ENCODER" in notes[0]
