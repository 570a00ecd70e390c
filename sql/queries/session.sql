-- name: open_session
-- What every transaction starts with: the tenant's schema, and days in UTC.
select
    set_config('search_path', quote_ident(%(schema)s) || ', public', true),
    set_config('timezone', 'UTC', true);

-- name: lock_schema
-- One exclusive transaction a schema at a time, whoever started it.
select
    set_config('lock_timeout', %(timeout)s, true),
    pg_advisory_xact_lock(hashtextextended('ebbtide ' || %(schema)s, 0)),
    set_config('lock_timeout', '0', true);

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
