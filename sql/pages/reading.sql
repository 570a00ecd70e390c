-- name: limit_time
-- No page may hold the database up: a statement that takes longer is broken off.
select set_config('statement_timeout', %(timeout)s, true);

-- name: tenant_schemas
-- Schemas of the database that hold our tables, by name.
select pg_namespace.nspname
from pg_class
inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where
    pg_class.relname = 'published_nights'
    and pg_class.relkind = 'r'
    and has_schema_privilege(pg_namespace.oid, 'usage')
    and has_table_privilege(pg_class.oid, 'select')
order by pg_namespace.nspname
limit 200;
