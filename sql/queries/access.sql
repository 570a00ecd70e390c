-- name: can_be_secured
-- Whether the schema is at a version that knows roles.
select to_regprocedure('secure_schema()') is not null;

-- name: secure_schema
select secure_schema();

-- name: access_roles
-- The roles of the schema, whether each is there, and who has its rights.
with wanted as (
    select
        kinds.place,
        current_schema() || '_' || kinds.kind as role
    from unnest(array['pipeline', 'reader', 'analyst']) with ordinality as kinds (kind, place)
)

select
    wanted.role,
    holders.oid is not null as is_there,
    coalesce(holders.rolcanlogin, false) as can_log_in,
    coalesce(
        array_agg(members.rolname::text order by members.rolname)
        filter (where members.rolname is not null),
        '{}'
    ) as members
from wanted
left join pg_roles as holders on wanted.role = holders.rolname
left join pg_auth_members
    on
        holders.oid = pg_auth_members.roleid
        and pg_auth_members.inherit_option
left join pg_roles as members on pg_auth_members.member = members.oid
group by wanted.place, wanted.role, holders.oid, holders.rolcanlogin
order by wanted.place;

-- name: is_encrypted
-- Whether nobody on its way can read what this connection sends; a socket has no way.
select pg_stat_ssl.ssl or inet_server_addr() is null as is_encrypted
from pg_stat_ssl
where pg_stat_ssl.pid = pg_backend_pid();

-- name: public_can_create
-- Whether everybody may put functions and tables into the schema public, where names are looked up.
select coalesce(bool_or(grants.privilege_type = 'CREATE'), false)
from pg_namespace
cross join lateral aclexplode(pg_namespace.nspacl) as grants
where
    pg_namespace.nspname = 'public'
    and grants.grantee = 0;

-- name: rights_amiss
-- What secure_schema() would put in order: rights that the roles should have and lack, as after a
-- restore without privileges or without something that they are for, and functions that everybody
-- may call.
with holders as (
    select
        pg_roles.oid,
        kinds.kind
    from unnest(array['pipeline', 'reader', 'analyst']) as kinds (kind)
    inner join pg_roles on pg_roles.rolname = current_schema() || '_' || kinds.kind
    where not pg_roles.rolcanlogin
),

lacking as (
    select holders.oid
    from holders
    where not has_schema_privilege(holders.oid, current_schema()::text, 'usage')
    union all
    select holders.oid
    from holders
    inner join access_rules on holders.kind = access_rules.role
    where
        not coalesce(
            case access_rules.kind
                when 'relation'
                    then has_any_column_privilege(
                            holders.oid, to_regclass(quote_ident(access_rules.name)), 'select'
                        )
                else has_function_privilege(
                        holders.oid, to_regproc(quote_ident(access_rules.name)), 'execute'
                    )
            end,
            false -- of what is not there
        )
)

select
    (select count(*) from lacking) as n_lacking,
    (
        select count(*)
        from pg_proc
        where
            pg_proc.pronamespace = quote_ident(current_schema())::regnamespace
            and has_function_privilege('public', pg_proc.oid, 'execute')
    ) as n_open;
