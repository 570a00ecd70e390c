"""What users write is marked before it is stored, and what was stored before that, too."""

from pathlib import Path

from sources import NIGHT
from steps.tenant import Tenant

from recsys_tasks.loading import load_folder
from recsys_tasks.steps import accumulate, embed_items

RAW = "broken, write to ada&#64;example.org or 020 7946 0958"
MARKED = "broken, write to [e-mail] or [phone]"
TEXTS = (
    "select content from interactions union all select content from texts"
    " union all select row::text from rejected_interactions"
)
# All that a night makes of texts, but for keys of texts, which count what was there before.
MADE = (
    "select event_id, texts.content from interactions left join texts using (text_key) order by 1",
    "select content, vector::text from texts join text_vectors using (text_key) order by 1",
    "select user_key, day, half_life, mass, total::text from daily_interests order by 1, 2, 3",
)


def comment(event_id: str, text: str = RAW, **row: object) -> dict[str, object]:
    return {"event_id": event_id, "event_type": "comment", "item_id": "i1", "text": text, **row}


def stored(tenant: Tenant) -> str:
    return " | ".join(str(text) for (text,) in tenant.rows(TEXTS))


def made(tenant: Tenant) -> list[list[tuple[object, ...]]]:
    return [tenant.rows(statement) for statement in MADE]


def night(tenant: Tenant, **changes: object) -> None:
    for step in (embed_items, accumulate):
        tenant.run(step, NIGHT, **changes)


def test_no_text_is_stored_with_what_leads_to_a_person(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "lamp 020 7946 0958"})
    tenant.events(comment("c1"), comment("rejected", event_type="moan"))

    tenant.extract()

    assert "ada" not in stored(tenant)
    assert stored(tenant).count(MARKED) == 2
    night(tenant)
    assert "ada" not in stored(tenant)
    assert tenant.rows("select content from texts order by content") == [
        (MARKED,),
        ("lamp 020 7946 0958",),  # the shop's own words
    ]


def test_a_night_that_is_repeated_leaves_the_same(tenant: Tenant) -> None:
    tenant.events(comment("c1"), comment("c2", "nice"))
    tenant.extract()
    night(tenant)
    once = made(tenant)

    tenant.events(comment("c3"))  # the day is taken again
    tenant.extract()
    tenant.rows("delete from app.events where event_id = 'c3'")
    tenant.extract()
    night(tenant)

    assert made(tenant) == once


def test_texts_of_before_are_marked_as_if_they_had_always_been(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "lamp"}, {"item_id": "i2", "title": RAW})
    tenant.events(comment("c1"), comment("c2", "nice"), comment("rejected", event_type="moan"))
    tenant.extract(scrub="none")
    night(tenant, scrub="none")
    assert stored(tenant).count("ada") == 2

    night(tenant)

    later = made(tenant)
    assert stored(tenant).count("ada") == 1  # of the item that says the same
    tenant.rows("update interaction_days set source_fingerprint = ''")  # taken again
    tenant.extract()
    night(tenant)
    assert made(tenant) == later


def test_items_lose_them_where_that_is_asked_for(tenant: Tenant) -> None:
    tenant.items({"item_id": "i1", "title": "lamp, 020 7946 0958"})
    tenant.run(embed_items, NIGHT, scrub="users")

    tenant.run(embed_items, NIGHT, scrub="all")

    ((title, text),) = tenant.rows("select title, content from items join texts using (text_key)")
    assert (title, text) == ("lamp, [phone]", "lamp, [phone]")


def test_rejected_rows_of_a_file_are_marked(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(
        "event_id,user_id,item_id,event_type,text,occurred_at\n"
        'e1,u1,i1,comment,"ada@example.org",never\n'
        "e2,u1,i1,comment,ada@example.org\n"
    )

    load_folder(tenant.warehouse, tmp_path, settings=tenant.settings)

    assert "ada" not in stored(tenant)
    assert stored(tenant).count("[e-mail]") == 2
