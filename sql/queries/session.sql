-- name: open_session
-- What every transaction starts with: the tenant's schema, days in UTC, numbers to the last bit.
-- Sorts need not go to disk where the server has Postgres' own default, which is of small machines.
select
    set_config('search_path', quote_ident(%(schema)s) || ', public', true),
    set_config('timezone', 'UTC', true),
    set_config('extra_float_digits', '1', true),
    set_config(
        'work_mem',
        case current_setting('work_mem')
            when '4MB' then '64MB' else current_setting('work_mem')
        end,
        true
    );

-- name: prefer_indexes
-- For the rest of a transaction that reads tables of ours by day and by user, in whose order they
-- are written. By Postgres' own default, which is of turning disks, all of the history is read.
select set_config(
    'random_page_cost',
    case current_setting('random_page_cost')
        when '4' then '1.1' else current_setting('random_page_cost')
    end,
    true
);

-- name: lock_schema
-- One exclusive transaction a schema at a time, whoever started it. For other locks the operator's
-- own timeout holds.
with operators as materialized (select current_setting('lock_timeout') as lock_timeout)

select
    set_config('lock_timeout', %(timeout)s, true),
    pg_advisory_xact_lock(hashtextextended('ebbtide ' || %(schema)s, 0)),
    set_config('lock_timeout', operators.lock_timeout, true)
from operators;

-- name: share_schema
-- Beside others that share it, and beside no exclusive transaction.
with operators as materialized (select current_setting('lock_timeout') as lock_timeout)

select
    set_config('lock_timeout', %(timeout)s, true),
    pg_advisory_xact_lock_shared(hashtextextended('ebbtide ' || %(schema)s, 0)),
    set_config('lock_timeout', operators.lock_timeout, true)
from operators;

-- name: lock_migrations
-- One migration a database at a time, whichever tenant's.
select pg_advisory_xact_lock(hashtextextended('ebbtide migrations', 0));

-- name: create_schema_migrations!
create table if not exists schema_migrations (
    version integer primary key,
    name text not null,
    applied_at timestamptz not null default now()
);

-- name: is_migrated
select exists(
    select
    from pg_tables
    where
        pg_tables.schemaname = current_schema()
        and pg_tables.tablename = 'schema_migrations'
);

-- name: schema_version
select max(version) from schema_migrations;

-- name: insert_schema_migration!
insert into schema_migrations (version, name) values (%(version)s, %(name)s);

-- name: wrong_source_columns
-- Columns of the source contract that a mapping does not give, or not with their type.
with contract (view_name, column_name, type_name) as (
    values
    ('source_items', 'item_id', 'text'),
    ('source_items', 'title', 'text'),
    ('source_items', 'description', 'text'),
    ('source_items', 'category', 'text'),
    ('source_items', 'attributes', 'jsonb'),
    ('source_items', 'available', 'boolean'),
    ('source_items', 'created_at', 'timestamp with time zone'),
    ('source_items', 'updated_at', 'timestamp with time zone'),
    ('source_users', 'user_id', 'text'),
    ('source_users', 'attributes', 'jsonb'),
    ('source_users', 'created_at', 'timestamp with time zone'),
    ('source_events', 'event_id', 'text'),
    ('source_events', 'user_id', 'text'),
    ('source_events', 'item_id', 'text'),
    ('source_events', 'event_type', 'text'),
    ('source_events', 'value', 'double precision'),
    ('source_events', 'text', 'text'),
    ('source_events', 'occurred_at', 'timestamp with time zone'),
    ('source_events', 'ingested_at', 'timestamp with time zone')
)

select
    contract.view_name,
    contract.column_name,
    contract.type_name,
    format_type(pg_attribute.atttypid, null) as found
from contract
left join pg_attribute
    on
        pg_attribute.attrelid = to_regclass('pg_temp.' || contract.view_name)
        and contract.column_name = pg_attribute.attname
where
    pg_attribute.attname is null
    or format_type(pg_attribute.atttypid, null) != contract.type_name
order by contract.view_name, contract.column_name;
