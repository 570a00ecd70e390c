-- name: server_versions
select
    current_setting('server_version_num')::integer as number,
    current_setting('server_version') as version,
    pg_extension.extversion
from pg_extension
where pg_extension.extname = 'vector';

-- name: has_identities
-- Whether the views that say who is behind a pseudonym came along from a backup.
select
    to_regclass('identities') is not null and to_regclass('named_users') is not null
        as has_identities;

-- name: count_nameless
-- Users whose pseudonym leads nowhere.
select count(*) as n
from users
where
    not exists (
        select from named_users
        where named_users.user_key = users.user_key
    );

-- name: source_sizes
select
    (select count(*) from source_items) as n_items,
    (select count(*) from source_users) as n_users,
    (select count(*) from source_events) as n_events,
    (
        select (max(source_events.occurred_at) at time zone 'UTC')::date
        from source_events
        where source_events.occurred_at between '1970-01-01' and now() + interval '1 day'
    ) as last_day;

-- name: failed_steps
-- Steps that failed, and those that began hours ago and never said how they ended.
select
    nights.day,
    nights.step,
    coalesce(nights.error, 'it never ended') as error
from nights
where
    nights.state = 'failed'
    or (nights.state = 'running' and nights.started_at < now() - interval '6 hours')
order by nights.started_at desc;

-- name: rejected_by_reason
select
    rejected_interactions.reason,
    count(*) as n
from rejected_interactions
group by rejected_interactions.reason
order by n desc, rejected_interactions.reason asc;

-- name: items_in_doubt
select
    count(*) filter (where not items.is_listed) as n_unlisted,
    count(*) filter (where items.is_listed and items.text_key is null) as n_textless,
    count(*) filter (where items.is_listed) as n_listed
from items;

-- name: texts_to_try
-- A thousand texts of the catalogue, always the same ones.
select texts.content
from texts
where
    exists (
        select
        from items
        where items.text_key = texts.text_key and items.is_listed
    )
order by texts.content_hash
limit 1000;

-- name: live_searches
-- How live queries search, as the newest published night has found.
select
    case live_recalls.filter when 'category' then ' of a category' else '' end as scope,
    live_recalls.ef_search,
    live_recalls.recall,
    live_recalls.is_exact
from live_recalls
where live_recalls.night = (select max(published_nights.night) from published_nights)
order by live_recalls.filter desc;
