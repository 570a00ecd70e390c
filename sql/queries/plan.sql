-- name: plan_source
-- How large the source is, and what an active day of its last two weeks brings, mean. The items
-- that are new on a day are those of the same weeks.
with ends as (
    select max(source_events.occurred_at) as last_at
    from source_events
    where source_events.occurred_at between '1970-01-01' and now() + interval '1 day'
),

-- Distinct users are counted by a hash: to sort their ids takes more than twice as long.
user_days as (
    select
        (source_events.occurred_at at time zone 'UTC')::date as day,
        source_events.user_id,
        count(*) as n_events
    from source_events
    cross join ends
    where
        source_events.occurred_at > ends.last_at - interval '14 days'
        and source_events.occurred_at <= ends.last_at
    group by day, source_events.user_id
),

recent as (
    select
        user_days.day,
        sum(user_days.n_events) as n_events,
        count(user_days.user_id) as n_active
    from user_days
    group by user_days.day
)

select
    (select count(*) from source_items) as n_items,
    (
        select count(*) / 14.0
        from source_items
        cross join ends
        where
            source_items.created_at > ends.last_at - interval '14 days'
            and source_items.created_at <= ends.last_at
    )::float8 as n_new_items,
    (select count(*) from source_events) as n_history,
    (select coalesce(avg(recent.n_events), 0) from recent)::float8 as n_events,
    (select coalesce(avg(recent.n_active), 0) from recent)::float8 as n_active;

-- name: plan_users
-- Users with a history: those that nights know, or before the first night those of the source.
select
    case
        when exists (select from users) then (select count(*) from users)
        else (
            select count(known.user_id)
            from (
                select distinct source_events.user_id
                from source_events
            ) as known
        )
    end as n_users;

-- name: plan_recent_users
-- Users who were active within so many days of the newest event.
select count(recent.user_id)
from (
    select distinct source_events.user_id
    from source_events
    where
        source_events.occurred_at > (
            select max(newest.occurred_at)
            from source_events as newest
            where newest.occurred_at <= now() + interval '1 day'
        ) - %(days)s * interval '1 day'
) as recent;

-- name: plan_tables
-- Rows and bytes of each table, indexes and partitions counted with it.
select
    coalesce(parents.relname, pg_class.relname)::text as relation,
    sum(greatest(pg_class.reltuples, 0))::float8 as n_rows,
    sum(pg_total_relation_size(pg_class.oid))::float8 as n_bytes
from pg_class
left join pg_inherits on pg_class.oid = pg_inherits.inhrelid
left join pg_class as parents on pg_inherits.inhparent = parents.oid
where
    pg_class.relnamespace = current_schema()::regnamespace
    and pg_class.relkind = 'r'
group by coalesce(parents.relname, pg_class.relname)
order by coalesce(parents.relname, pg_class.relname);

-- name: plan_ledger
-- What each step of the newest nights took that made lists, in seconds: the median, and of how many
-- nights.
select
    nights.step,
    percentile_cont(0.5) within group (
        order by extract(epoch from nights.finished_at - nights.started_at)
    ) as seconds,
    count(*) as n_nights
from nights
where
    nights.state = 'done'
    and nights.day in (
        select made.day
        from nights as made
        where
            made.step = 'rank'
            and made.state = 'done'
            and coalesce((made.counts ->> 'lists')::integer, 0) > 0
            and made.day > (select min(published_nights.night) from published_nights)
        order by made.day desc
        limit 7
    )
group by nights.step;

-- name: plan_create_probe!
create temporary table probes (
    user_key integer not null,
    total vector not null
) on commit drop;

-- name: plan_copy_probe_in!
copy probes from stdin with (format "binary");

-- name: plan_copy_probe_out
copy (
    select
        probes.user_key,
        probes.total
    from probes
) to stdout with (format "binary");

-- name: plan_dim
-- Of the model that serves.
select models.dim
from models
where models.state = 'serving';
