-- name: descriptions
select source_items.description
from source_items
where source_items.description is not null;

-- name: changed_items
-- Items of the source that are new, or whose row is not what it was, or that other rules described.
-- Of rows with one item_id the
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
    or items.text_rules is distinct from %(text_rules)s::text
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

-- name: untold_items_met_on
-- Since when people have met items whose text comes only now; null where they have met none.
select min(items.met_on)
from staged_items
inner join items on staged_items.item_id = items.item_id
where items.text_key is null and staged_items.content_hash is not null;

-- name: forget_days_before_vectors!
-- An item that people met before its text was known: their deltas lack it and are to be made anew.
-- A text that merely changed does not rewrite the past: a delta keeps what the item meant on its
-- day. No interaction is read of days that are not accumulated yet.
delete from accumulated_days
where
    day >= %(since)s::date
    and day in (
        select interactions.day
        from staged_items
        inner join items on staged_items.item_id = items.item_id
        inner join interactions on items.item_key = interactions.item_key
        where
            items.text_key is null
            and staged_items.content_hash is not null
            and interactions.day >= %(since)s::date
    );

-- name: upsert_items!
insert into items (
    item_id, title, category, is_listed, is_available, created_at, source_hash, text_key,
    text_rules
)
select
    staged_items.item_id,
    staged_items.title,
    staged_items.category,
    true,
    staged_items.is_available,
    staged_items.created_at,
    staged_items.source_hash,
    texts.text_key,
    %(text_rules)s
from staged_items
left join texts on decode(staged_items.content_hash, 'hex') = texts.content_hash
order by staged_items.item_id
on conflict (item_id) do update
    set
        title = excluded.title,
        category = excluded.category,
        is_listed = excluded.is_listed,
        is_available = excluded.is_available,
        created_at = excluded.created_at,
        source_hash = excluded.source_hash,
        text_key = excluded.text_key,
        text_rules = excluded.text_rules;

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

-- name: staged_texts
select
    texts.text_key,
    texts.content
from staged_contents
inner join texts on decode(staged_contents.content_hash, 'hex') = texts.content_hash
order by texts.text_key;

-- name: n_erasures
select count(*) from erasures;

-- name: texts_without_vector
-- In the order of their hashes, so that batches do not depend on the order in which texts came. A
-- text that was users' alone, and has the vector for that, is without one once an item has it.
select
    texts.content,
    exists(
        select
        from items
        where items.text_key = texts.text_key
    ) as is_of_item
from texts
left join text_vectors
    on
        texts.text_key = text_vectors.text_key
        and text_vectors.encoder_id = %(encoder_id)s
where
    text_vectors.text_key is null
    or (
        text_vectors.is_query
        and exists (
            select
            from items
            where items.text_key = texts.text_key
        )
    )
order by texts.content_hash;

-- name: create_staged_vectors!
create temporary table staged_vectors (
    text_key integer not null,
    vector vector not null
) on commit drop;

-- name: copy_staged_vectors!
copy staged_vectors from stdin with (format "binary");

-- name: insert_text_vectors!
insert into text_vectors (encoder_id, text_key, vector, is_query)
select
    %(encoder_id)s,
    staged_vectors.text_key,
    staged_vectors.vector,
    %(is_query)s
from staged_vectors
on conflict (encoder_id, text_key) do update
    set
        vector = excluded.vector,
        is_query = excluded.is_query;

-- name: drop_staged_vectors!
drop table staged_vectors;

-- name: duplicates_fingerprint
-- Of what links are made of: the catalogue, the encoder and the threshold.
select
    md5(
        concat_ws(
            ' ',
            %(encoder_id)s::text,
            %(likeness)s::float8,
            count(*),
            sum(hashtextextended(concat_ws(' ', items.item_key, items.text_key), 0))
        )
    ) as fingerprint
from items
where items.is_listed and items.text_key is not null;

-- name: known_duplicates
select duplicate_searches.fingerprint
from duplicate_searches;

-- name: know_duplicates!
insert into duplicate_searches (fingerprint)
values (%(fingerprint)s);

-- name: count_listed_texts
select count(distinct items.text_key) as n
from items
where items.is_listed;

-- name: listed_text_vectors
-- Of each distinct text of the catalogue: the first item that has it.
copy (
    select
        firsts.item_key,
        text_vectors.vector
    from (
        select
            items.text_key,
            min(items.item_key) as item_key
        from items
        where items.is_listed and items.text_key is not null
        group by items.text_key
    ) as firsts
    inner join text_vectors
        on
            firsts.text_key = text_vectors.text_key
            and text_vectors.encoder_id = %(encoder_id)s
    order by firsts.item_key
) to stdout with (format "binary");

-- name: create_staged_links!
create temporary table staged_links (
    item_key integer not null,
    original_key integer not null,
    likeness real not null
) on commit drop;

-- name: copy_staged_links!
copy staged_links from stdin with (format "binary");

-- name: forget_duplicates!
with forgotten as (
    delete from duplicate_searches
)

delete from duplicates;

-- name: insert_duplicates!
-- An item with the text of another one has the original of that one.
insert into duplicates (item_key, original_key, likeness)
select
    listed.item_key,
    coalesce(staged_links.original_key, listed.first_key),
    coalesce(staged_links.likeness, 1)
from (
    select
        items.item_key,
        min(items.item_key) over (partition by items.text_key) as first_key
    from items
    where items.is_listed and items.text_key is not null
) as listed
left join staged_links on listed.first_key = staged_links.item_key
where listed.item_key != coalesce(staged_links.original_key, listed.first_key);

-- name: drop_staged_links!
drop table staged_links;

-- name: is_direction_known
select exists(
    select
    from stance_directions
    where stance_directions.encoder_id = %(encoder_id)s
);

-- name: insert_direction!
insert into stance_directions (encoder_id, direction, middle)
values (%(encoder_id)s, %(direction)s::real[]::vector, %(middle)s)
on conflict (encoder_id) do nothing;
