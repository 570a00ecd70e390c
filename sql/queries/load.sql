-- Loading files into schema app. A file's rows are staged as text, checked as a set, then upserted.

-- name: load_create_tables#
-- The source contract as tables. Only ids are required: a night checks what it needs of a row.
create schema if not exists app;

-- One row an item.
create table if not exists app.items (
    item_id text primary key,
    title text,
    description text,
    category text,
    attributes jsonb not null default '{}',
    available boolean not null default true,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row a user.
create table if not exists app.users (
    user_id text primary key,
    attributes jsonb not null default '{}',
    created_at timestamptz
);

-- One row an event.
create table if not exists app.events (
    event_id text primary key,
    user_id text,
    item_id text,
    event_type text,
    value double precision,
    text text,
    occurred_at timestamptz,
    ingested_at timestamptz default now()
);

-- A night reads the events of its days; erasing a user finds theirs.
create index if not exists events_occurred_at_idx on app.events (occurred_at);
create index if not exists events_user_id_idx on app.events (user_id);

-- name: load_stage_rejected#
-- One row a broken row of the file, and what a cell of the file is.
create temporary table rejected_rows (
    line bigint not null,
    problem text not null,
    source_row jsonb not null,
    day date
) on commit drop;

-- Only ISO 8601 and what databases make of it; Postgres itself would take "now" or "tomorrow".
create or replace function pg_temp.is_time(cell text) returns boolean stable language sql as $$
    select
        cell ~ (
            '^\s*\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?'
            || '( ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?))?)?\s*$'
        )
        and pg_input_is_valid(cell, 'timestamptz')
$$;

create or replace function pg_temp.is_number(cell text) returns boolean stable language sql as $$
    select
        cell ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$'
        and pg_input_is_valid(cell, 'double precision')
$$;

create or replace function pg_temp.is_object(cell text) returns boolean stable language sql as $$
    select
        case
            when pg_input_is_valid(cell, 'jsonb') then jsonb_typeof(cell::jsonb) = 'object'
            else cell is null
        end
$$;

-- An index cannot hold an id of thousands of bytes.
create or replace function pg_temp.is_long(cell text) returns boolean immutable language sql as $$
    select octet_length(cell) > 1000
$$;

-- name: load_stage_items#
-- Two loads of one table wait for each other; readers do not wait.
lock table app.items in share row exclusive mode;

create temporary table staged_items (
    line bigint not null,
    item_id text,
    title text,
    description text,
    category text,
    attributes text,
    available text,
    created_at text,
    updated_at text,
    others text
) on commit drop;

-- name: load_copy_items!
copy staged_items from stdin with (format csv);

-- name: load_check_items!
-- Move the rows that cannot be loaded. Of rows with one id, the last good one counts.
with checked as (
    select
        line,
        item_id,
        case
            when coalesce(trim(item_id), '') = '' then 'missing item_id'
            when pg_temp.is_long(item_id) then 'item_id longer than 1000 bytes'
            when not pg_temp.is_object(attributes) then 'unreadable attributes'
            when not pg_input_is_valid(available, 'boolean') then 'unreadable available'
            when not pg_temp.is_time(created_at) then 'unreadable created_at'
            when not pg_temp.is_time(updated_at) then 'unreadable updated_at'
        end as problem
    from staged_items
),

problems as (
    select
        line,
        coalesce(
            problem,
            case
                when line < max(line) over (partition by item_id, problem is null)
                    then 'item_id comes again later in the file'
            end
        ) as problem
    from checked
),

moved as (
    delete from staged_items
    using problems
    where staged_items.line = problems.line and problems.problem is not null
    returning
        staged_items.line,
        problems.problem,
        jsonb_strip_nulls(to_jsonb(staged_items.*) - 'line') as source_row
)

insert into rejected_rows (line, problem, source_row)
select
    line,
    problem,
    source_row
from moved;

-- name: load_upsert_items!
insert into app.items (
    item_id, title, description, category, attributes, available, created_at, updated_at
)
select
    item_id,
    title,
    description,
    category,
    coalesce(attributes::jsonb, '{}') || others::jsonb as attributes,
    coalesce(available::boolean, true) as available,
    created_at::timestamptz as created_at,
    updated_at::timestamptz as updated_at
from staged_items
order by line
on conflict (item_id) do update
    set
        title = excluded.title,
        description = excluded.description,
        category = excluded.category,
        attributes = excluded.attributes,
        available = excluded.available,
        created_at = excluded.created_at,
        updated_at = excluded.updated_at
    where (items.*) is distinct from (excluded.*);

-- name: load_analyze_items!
analyze app.items;

-- name: load_stage_users#
lock table app.users in share row exclusive mode;

create temporary table staged_users (
    line bigint not null,
    user_id text,
    attributes text,
    created_at text,
    others text
) on commit drop;

-- name: load_copy_users!
copy staged_users from stdin with (format csv);

-- name: load_check_users!
-- As load_check_items.
with checked as (
    select
        line,
        user_id,
        case
            when coalesce(trim(user_id), '') = '' then 'missing user_id'
            when pg_temp.is_long(user_id) then 'user_id longer than 1000 bytes'
            when not pg_temp.is_object(attributes) then 'unreadable attributes'
            when not pg_temp.is_time(created_at) then 'unreadable created_at'
        end as problem
    from staged_users
),

problems as (
    select
        line,
        coalesce(
            problem,
            case
                when line < max(line) over (partition by user_id, problem is null)
                    then 'user_id comes again later in the file'
            end
        ) as problem
    from checked
),

moved as (
    delete from staged_users
    using problems
    where staged_users.line = problems.line and problems.problem is not null
    returning
        staged_users.line,
        problems.problem,
        jsonb_strip_nulls(to_jsonb(staged_users.*) - 'line') as source_row
)

insert into rejected_rows (line, problem, source_row)
select
    line,
    problem,
    source_row
from moved;

-- name: load_upsert_users!
insert into app.users (user_id, attributes, created_at)
select
    user_id,
    coalesce(attributes::jsonb, '{}') || others::jsonb as attributes,
    created_at::timestamptz as created_at
from staged_users
order by line
on conflict (user_id) do update
    set
        attributes = excluded.attributes,
        created_at = excluded.created_at
    where (users.*) is distinct from (excluded.*);

-- name: load_analyze_users!
analyze app.users;

-- name: load_stage_events#
lock table app.events in share row exclusive mode;

create temporary table staged_events (
    line bigint not null,
    event_id text,
    user_id text,
    item_id text,
    event_type text,
    value text,
    text text,
    occurred_at text,
    ingested_at text
) on commit drop;

-- name: load_copy_events!
copy staged_events from stdin with (format csv);

-- name: load_check_events!
-- As load_check_items. What an event means (its type, its value) is a night's business.
with checked as (
    select
        line,
        event_id,
        case
            when coalesce(trim(event_id), '') = '' then 'missing event_id'
            when coalesce(trim(user_id), '') = '' then 'missing user_id'
            when coalesce(trim(event_type), '') = '' then 'missing event_type'
            when coalesce(trim(occurred_at), '') = '' then 'missing occurred_at'
            when pg_temp.is_long(event_id) then 'event_id longer than 1000 bytes'
            when pg_temp.is_long(user_id) then 'user_id longer than 1000 bytes'
            when pg_temp.is_long(item_id) then 'item_id longer than 1000 bytes'
            when not pg_temp.is_time(occurred_at) then 'unreadable occurred_at'
            when not pg_temp.is_number(value) then 'unreadable value'
            when not pg_temp.is_time(ingested_at) then 'unreadable ingested_at'
        end as problem
    from staged_events
),

problems as (
    select
        line,
        coalesce(
            problem,
            case
                when line < max(line) over (partition by event_id, problem is null)
                    then 'event_id comes again later in the file'
            end
        ) as problem
    from checked
),

moved as (
    delete from staged_events
    using problems
    where staged_events.line = problems.line and problems.problem is not null
    returning
        staged_events.line,
        problems.problem,
        jsonb_strip_nulls(to_jsonb(staged_events.*) - 'line') as source_row,
        case
            when pg_temp.is_time(staged_events.occurred_at)
                then (staged_events.occurred_at::timestamptz at time zone 'UTC')::date
        end as day
)

insert into rejected_rows (line, problem, source_row, day)
select
    line,
    problem,
    source_row,
    day
from moved;

-- name: load_upsert_events!
-- When a row arrived is no reason to replace it.
insert into app.events (
    event_id, user_id, item_id, event_type, value, text, occurred_at, ingested_at
)
select
    event_id,
    user_id,
    nullif(trim(item_id), '') as item_id,
    event_type,
    value::double precision as value,
    text,
    occurred_at::timestamptz as occurred_at,
    coalesce(ingested_at::timestamptz, now()) as ingested_at
from staged_events
order by line
on conflict (event_id) do update
    set
        user_id = excluded.user_id,
        item_id = excluded.item_id,
        event_type = excluded.event_type,
        value = excluded.value,
        text = excluded.text,
        occurred_at = excluded.occurred_at,
        ingested_at = excluded.ingested_at
    where
    (
        events.user_id,
        events.item_id,
        events.event_type,
        events.value,
        events.text,
        events.occurred_at
    ) is distinct from (
        excluded.user_id,
        excluded.item_id,
        excluded.event_type,
        excluded.value,
        excluded.text,
        excluded.occurred_at
    );

-- name: load_analyze_events!
analyze app.events;

-- name: load_copy_rejected!
copy rejected_rows (line, problem, source_row) from stdin with (format csv);

-- name: load_forget_rejected!
-- What an earlier load of the same file rejected.
delete from rejected_interactions
where step = 'load' and starts_with(reason, %(place)s || ' line ');

-- name: load_insert_rejected!
insert into rejected_interactions (day, event_id, reason, row, step)
select
    day,
    source_row ->> 'event_id' as event_id,
    %(place)s || ' line ' || line || ': ' || problem as reason,
    source_row as row,
    'load' as step
from rejected_rows
order by line;

-- name: load_count_rejected
select
    problem,
    count(*) as n_rows
from rejected_rows
group by problem
order by n_rows desc, problem asc;
