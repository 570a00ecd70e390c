-- Topics over the catalogue, and users' shares in them.

-- name: topic_fit
-- How the topics of now were found; no row before the first.
select
    topic_fits.fit,
    topic_fits.encoder_id,
    topic_fits.wanted,
    topic_fits.n_texts,
    topic_fits.poor_below
from topic_fits;

-- name: topic_catalogue
-- The items of a night that have a vector, and those that an earlier one placed, by their ids.
copy (
    select
        items.item_key,
        items.text_key,
        items.is_listed::integer::smallint
    from items
    inner join text_vectors
        on
            items.text_key = text_vectors.text_key
            and text_vectors.encoder_id = %(encoder_id)s
    left join topic_items on items.item_key = topic_items.item_key
    where
        topic_items.item_key is not null
        or (
            items.is_listed
            and (items.created_at is null or items.created_at < %(until)s::date::timestamptz)
        )
    order by items.item_id collate "C"
) to stdout with (format "binary");

-- name: placed_items
copy (
    select
        topic_items.item_key,
        topic_items.text_key,
        topic_items.topic_key
    from topic_items
    order by topic_items.item_key
) to stdout with (format "binary");

-- name: topic_centroids
-- Of the topics that live, the largest first.
copy (
    select
        topics.topic_key,
        topics.centroid
    from topics
    left join topic_items on topics.topic_key = topic_items.topic_key
    where topics.retired is null
    group by topics.topic_key
    order by count(topic_items.item_key) desc, topics.topic_key asc
) to stdout with (format "binary");

-- name: last_topic
select coalesce(max(topics.topic_key), 0)
from topics;

-- name: create_recounted_users!
-- Whose shares are to be made anew.
create temporary table recounted_users (user_key integer primary key) on commit drop;

-- name: recount_users_of_lost_items!
-- Users of items that have lost their text.
insert into recounted_users (user_key)
select distinct interactions.user_key
from topic_items
inner join items on topic_items.item_key = items.item_key
inner join interactions on topic_items.item_key = interactions.item_key
where items.text_key is null
on conflict (user_key) do nothing;

-- name: delete_lost_topic_items!
delete from topic_items
using items
where topic_items.item_key = items.item_key and items.text_key is null;

-- name: create_staged_topic_items!
create temporary table staged_topic_items (
    item_key integer primary key,
    text_key integer not null,
    topic_key integer not null,
    closeness real not null
) on commit drop;

-- name: copy_staged_topic_items!
copy staged_topic_items (item_key, text_key, topic_key, closeness) from stdin with (
    format "binary"
);

-- name: moved_items_met_on
-- Since when people have met items that have another topic than before, or had none; null where
-- they have met none.
select min(items.met_on)
from staged_topic_items
inner join items on staged_topic_items.item_key = items.item_key
left join topic_items on staged_topic_items.item_key = topic_items.item_key
where topic_items.topic_key is distinct from staged_topic_items.topic_key;

-- name: recount_users_of_moved_items!
-- Users of those items: they may have met one before it was listed.
insert into recounted_users (user_key)
select distinct interactions.user_key
from staged_topic_items
inner join interactions on staged_topic_items.item_key = interactions.item_key
left join topic_items on staged_topic_items.item_key = topic_items.item_key
where
    interactions.day >= %(since)s::date
    and topic_items.topic_key is distinct from staged_topic_items.topic_key
on conflict (user_key) do nothing;

-- name: upsert_topic_items!
insert into topic_items (item_key, text_key, topic_key, closeness)
select
    staged_topic_items.item_key,
    staged_topic_items.text_key,
    staged_topic_items.topic_key,
    staged_topic_items.closeness
from staged_topic_items
on conflict (item_key) do update
    set
        text_key = excluded.text_key,
        topic_key = excluded.topic_key,
        closeness = excluded.closeness;

-- name: drop_staged_topic_items!
drop table staged_topic_items;

-- name: topic_fitness
-- Distinct texts of listed items, and the share of the items that fit their topic poorly.
select
    count(distinct topic_items.text_key),
    coalesce(avg((topic_items.closeness < %(poor_below)s)::integer), 0)::float8
from topic_items
inner join items on topic_items.item_key = items.item_key
where items.is_listed;

-- name: create_staged_topics!
create temporary table staged_topics (
    topic_key integer primary key,
    centroid public.vector not null
) on commit drop;

-- name: copy_staged_topics!
copy staged_topics (topic_key, centroid) from stdin with (format "binary");

-- name: forget_placed!
-- Before everything is placed anew.
delete from topic_items;

-- name: forget_placed_texts!
delete from topic_texts;

-- name: retire_topics!
update topics
set retired = %(night)s
where
    retired is null
    and topic_key not in (select staged_topics.topic_key from staged_topics);

-- name: upsert_topics!
-- Names follow: until then a topic is called by its key.
insert into topics (
    topic_key, encoder_id, centroid, name, named_by, keywords, example_keys, since
)
select
    staged_topics.topic_key,
    %(encoder_id)s,
    staged_topics.centroid,
    'topic ' || staged_topics.topic_key,
    'keywords',
    '{}',
    '{}',
    %(night)s
from staged_topics
on conflict (topic_key) do update
    set
        encoder_id = excluded.encoder_id,
        centroid = excluded.centroid;

-- name: drop_staged_topics!
drop table staged_topics;

-- name: forget_topic_fit!
delete from topic_fits;

-- name: insert_topic_fit!
insert into topic_fits (fit, fitted_on, encoder_id, wanted, n_texts, poor_below)
values (%(fit)s, %(night)s, %(encoder_id)s, %(wanted)s, %(n_texts)s, %(poor_below)s);

-- name: topic_titles
-- Titles of listed items by topic, those that fit best first.
select
    topic_items.topic_key,
    items.item_key,
    items.title
from topic_items
inner join items on topic_items.item_key = items.item_key
where items.is_listed and items.title is not null
order by
    topic_items.topic_key asc,
    topic_items.closeness desc,
    items.item_id collate "C" asc;

-- name: set_keywords!
update topics
set
    keywords = told.keywords,
    example_keys = told.example_keys
from
    jsonb_to_recordset(%(told)s::jsonb) as told (
        topic_key integer, keywords text[], example_keys integer[]
    )
where topics.topic_key = told.topic_key;

-- name: topics_to_name
-- The topics that live, the largest first, with the titles of their examples.
select
    topics.topic_key,
    topics.keywords,
    (
        select coalesce(array_agg(items.title order by entries.place), '{}')
        from unnest(topics.example_keys) with ordinality as entries (item_key, place)
        inner join items on entries.item_key = items.item_key
        where items.title is not null
    ) as titles
from topics
left join topic_items on topics.topic_key = topic_items.topic_key
where topics.retired is null
group by topics.topic_key
order by count(topic_items.item_key) desc, topics.topic_key asc;

-- name: topic_names
select
    topics.topic_key,
    topics.name,
    topics.named_by
from topics
where topics.retired is null;

-- name: unname_topics!
-- So that names may change places.
update topics
set name = 'topic ' || topic_key
where retired is null;

-- name: name_topics!
update topics
set
    name = told.name,
    named_by = told.named_by
from
    jsonb_to_recordset(%(told)s::jsonb) as told (topic_key integer, name text, named_by text)
where topics.topic_key = told.topic_key;

-- name: generated_names
-- What a generator answered to some questions before.
select
    generated_names.question,
    generated_names.name
from generated_names
where
    generated_names.generator_id = %(generator_id)s
    and generated_names.question = any(%(questions)s::bytea[]);

-- name: insert_generated_names!
-- What a generator answered in a night; no name where the answer was refused.
insert into generated_names (question, generator_id, name, refused, answered_on)
select
    decode(told.question, 'hex'),
    %(generator_id)s,
    told.name,
    told.refused,
    %(night)s
from jsonb_to_recordset(%(told)s::jsonb) as told (question text, name text, refused text)
on conflict (question, generator_id) do nothing;

-- name: listed_titles
select items.title
from items
where items.is_listed and items.title is not null;

-- name: stale_topic_days
-- Days that were not counted as they are now, and counted days that are not there any more.
select coalesce(interaction_days.day, topic_days.day) as day
from interaction_days
full outer join topic_days on interaction_days.day = topic_days.day
where
    topic_days.fingerprint is distinct from
    interaction_days.source_fingerprint || ' ' || %(rules)s
order by day;

-- name: recount_users_of_days!
-- Whoever was active on the days, or was when they were counted.
insert into recounted_users (user_key)
select topic_user_days.user_key
from topic_user_days
where topic_user_days.day = any(%(days)s::date[])
union
select interactions.user_key
from interactions
where interactions.day = any(%(days)s::date[])
on conflict (user_key) do nothing;

-- name: forget_topic_days!
delete from topic_days
where day = any(%(days)s::date[]);

-- name: insert_topic_days!
insert into topic_days (day, fingerprint)
select
    interaction_days.day,
    interaction_days.source_fingerprint || ' ' || %(rules)s
from interaction_days
where interaction_days.day = any(%(days)s::date[]);

-- name: insert_topic_user_days!
insert into topic_user_days (day, user_key)
select distinct
    interactions.day,
    interactions.user_key
from interactions
inner join topic_days on interactions.day = topic_days.day
where interactions.day = any(%(days)s::date[]);

-- name: texts_to_place
-- What users wrote on the days, if it counts, has a vector, and was not placed yet.
copy (
    select distinct interactions.text_key
    from interactions
    inner join event_types on interactions.event_type_key = event_types.event_type_key
    inner join text_vectors
        on
            interactions.text_key = text_vectors.text_key
            and text_vectors.encoder_id = %(encoder_id)s
    left join topic_texts on interactions.text_key = topic_texts.text_key
    where
        interactions.day = any(%(days)s::date[])
        and event_types.event_type = any(%(event_types)s::text[])
        and topic_texts.text_key is null
    order by interactions.text_key
) to stdout with (format "binary");

-- name: insert_topic_texts!
insert into topic_texts (text_key, topic_key, closeness)
select
    placed.text_key,
    placed.topic_key,
    placed.closeness
from
    unnest(%(text_keys)s::integer[], %(topic_keys)s::integer[], %(closeness)s::real[])
        as placed (text_key, topic_key, closeness);

-- name: placed_texts
copy (
    select
        topic_texts.text_key,
        topic_texts.topic_key
    from topic_texts
    where topic_texts.topic_key is not null
    order by topic_texts.text_key
) to stdout with (format "binary");

-- name: recounted_users
select recounted_users.user_key
from recounted_users
order by recounted_users.user_key;

-- name: interactions_of_users_to_count
-- All that users did; columns as in interactions_of_days.
copy (
    select
        dense_interactions.user_key,
        dense_interactions.item_key,
        dense_interactions.occurred_on,
        dense_interactions.event_type_key,
        dense_interactions.value,
        dense_interactions.item_text_key,
        dense_interactions.text_key
    from dense_interactions
    where dense_interactions.user_key = any(%(user_keys)s)
    order by
        dense_interactions.user_key, dense_interactions.occurred_at, dense_interactions.event_id
) to stdout with (format "binary");

-- name: delete_topic_shares!
delete from topic_shares
where user_key in (select recounted_users.user_key from recounted_users);

-- name: copy_topic_shares!
copy topic_shares (
    user_key, as_of, half_life, topic_keys, masses, shares, usual_shares
) from stdin with (format "binary");

-- name: drop_recounted_users!
drop table recounted_users;

-- name: topics_told
select
    catalogue_topics.topic_key,
    catalogue_topics.name,
    catalogue_topics.named_by,
    catalogue_topics.n_items,
    catalogue_topics.since,
    catalogue_topics.keywords,
    catalogue_topics.examples
from catalogue_topics
order by catalogue_topics.n_items desc, catalogue_topics.topic_key asc;

-- name: profile_of
select
    told.rank,
    told.sentence,
    told.topic_key,
    told.topic,
    told.share,
    told.trend,
    told.n_interactions,
    told.n_days,
    told.first_day,
    told.last_day,
    told.event_ids,
    told.item_ids
from profile(%(user_id)s, %(n)s) as told
order by told.rank;
