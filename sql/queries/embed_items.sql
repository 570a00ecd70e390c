-- name: changed_items
-- Items of the source that are new, or whose row is not what it was. Of rows with one item_id the
-- one that was updated last counts. An id that no index could hold is left out.
with catalogue as (
    select distinct on (hashed.item_id)
        hashed.item_id,
        hashed.title,
        hashed.description,
        hashed.category,
        hashed.attributes,
        hashed.available,
        hashed.created_at,
        hashed.source_hash
    from (
        select
            source_items.*,
            hashtextextended((to_jsonb(source_items.*) - 'updated_at')::text, 0) as source_hash
        from source_items
        where source_items.item_id != '' and octet_length(source_items.item_id) <= 1000
    ) as hashed
    order by
        hashed.item_id asc,
        hashed.updated_at desc nulls last,
        hashed.source_hash asc
)

select
    catalogue.item_id,
    catalogue.title,
    catalogue.description,
    catalogue.category,
    catalogue.attributes,
    catalogue.available,
    catalogue.created_at,
    catalogue.source_hash
from catalogue
left join items on catalogue.item_id = items.item_id
where
    items.source_hash is distinct from catalogue.source_hash
    or not items.is_listed
order by catalogue.item_id;

-- name: create_staged_items!
create temporary table staged_items (
    item_id text not null,
    title text,
    category text,
    is_available boolean not null,
    created_at timestamptz,
    source_hash bigint not null,
    content_hash text, -- hexadecimal; null where the item has no text
    content text
) on commit drop;

-- name: copy_staged_items!
copy staged_items from stdin with (format csv);

-- name: insert_item_texts!
insert into texts (content_hash, content)
select distinct on (staged_items.content_hash)
    decode(staged_items.content_hash, 'hex'),
    staged_items.content
from staged_items
where staged_items.content_hash is not null
order by staged_items.content_hash
on conflict (content_hash) do nothing;

-- name: forget_days_before_vectors!
-- An item that people met before its text was known: their deltas lack it and are to be made anew.
-- A text that merely changed does not rewrite the past: a delta keeps what the item meant on its
-- day.
delete from accumulated_days
where
    day in (
        select interactions.day
        from staged_items
        inner join items on staged_items.item_id = items.item_id
        inner join interactions on items.item_key = interactions.item_key
        where items.text_key is null and staged_items.content_hash is not null
    );

-- name: upsert_items!
insert into items (
    item_id, title, category, is_listed, is_available, created_at, source_hash, text_key
)
select
    staged_items.item_id,
    staged_items.title,
    staged_items.category,
    true,
    staged_items.is_available,
    staged_items.created_at,
    staged_items.source_hash,
    texts.text_key
from staged_items
left join texts on decode(staged_items.content_hash, 'hex') = texts.content_hash
on conflict (item_id) do update
    set
        title = excluded.title,
        category = excluded.category,
        is_listed = excluded.is_listed,
        is_available = excluded.is_available,
        created_at = excluded.created_at,
        source_hash = excluded.source_hash,
        text_key = excluded.text_key;

-- name: unlist_items!
-- Items that the source's catalogue does not have any more.
update items
set is_listed = false
where
    is_listed
    and not exists (
        select
        from source_items
        where source_items.item_id = items.item_id
    );

-- name: drop_staged_items!
drop table staged_items;

-- name: unclean_contents
-- Distinct texts that users wrote and that no step has cleaned yet.
select distinct interactions.content
from interactions
where interactions.content is not null
order by interactions.content;

-- name: create_staged_contents!
create temporary table staged_contents (
    raw text not null,
    content_hash text, -- hexadecimal; null where cleaning leaves nothing
    content text
) on commit drop;

-- name: copy_staged_contents!
copy staged_contents from stdin with (format csv);

-- name: insert_contents!
insert into texts (content_hash, content)
select distinct on (staged_contents.content_hash)
    decode(staged_contents.content_hash, 'hex'),
    staged_contents.content
from staged_contents
where staged_contents.content_hash is not null
order by staged_contents.content_hash
on conflict (content_hash) do nothing;

-- name: link_contents!
update interactions
set
    text_key = linked.text_key,
    content = null
from (
    select
        staged_contents.raw,
        texts.text_key
    from staged_contents
    left join texts on decode(staged_contents.content_hash, 'hex') = texts.content_hash
) as linked
where interactions.content = linked.raw;

-- name: drop_staged_contents!
drop table staged_contents;

-- name: texts_without_vector
-- In the order of their hashes, so that batches do not depend on the order in which texts came.
select
    texts.text_key,
    texts.content
from texts
left join text_vectors
    on
        texts.text_key = text_vectors.text_key
        and text_vectors.encoder_id = %(encoder_id)s
where text_vectors.text_key is null
order by texts.content_hash;

-- name: create_staged_vectors!
create temporary table staged_vectors (
    text_key integer not null,
    vector vector not null
) on commit drop;

-- name: copy_staged_vectors!
copy staged_vectors from stdin with (format "binary");

-- name: insert_text_vectors!
insert into text_vectors (encoder_id, text_key, vector)
select
    %(encoder_id)s,
    staged_vectors.text_key,
    staged_vectors.vector
from staged_vectors
on conflict (encoder_id, text_key) do nothing;

-- name: drop_staged_vectors!
drop table staged_vectors;
