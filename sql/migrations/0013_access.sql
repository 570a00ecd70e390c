-- Who may do what: three roles a schema, functions that look nowhere else, nothing for everybody.

-- As before. The type and the operators are named with their schema, so that the function looks up
-- names in its own schema alone.
create or replace function prepare_item_vectors(dim integer) returns void
language plpgsql
as $$
declare
    place text := (
        select pg_namespace.nspname
        from pg_extension
        inner join pg_namespace on pg_extension.extnamespace = pg_namespace.oid
        where pg_extension.extname = 'vector'
    );
begin
    if exists (
        select from pg_attribute
        where attrelid = 'item_vectors'::regclass and attname = 'vector' and atttypmod = dim
    ) then
        return;
    end if;
    truncate item_vectors;
    drop index if exists item_vectors_vector_idx;
    execute format(
        'alter table item_vectors alter column vector type %I.halfvec(%s)', place, dim
    );
    execute format(
        'create index item_vectors_vector_idx on item_vectors'
        ' using hnsw (vector %I.halfvec_ip_ops)',
        place
    );
end
$$;

-- What each role of the schema may do. A role is named after the schema: recsys_reader, where the
-- schema is recsys. `columns` is null for all of them; a function is named without arguments.
create table access_rules (
    role text not null,
    kind text not null,
    name text not null,
    columns text[],
    primary key (role, kind, name),
    constraint access_rules_role_check check (role in ('reader', 'analyst')),
    constraint access_rules_kind_check check (kind in ('relation', 'function'))
);

insert into access_rules (role, kind, name, columns) values
-- Applications: the published relations, and the keys that the arrays of recommendation_lists hold.
('reader', 'relation', 'recommendations', null),
('reader', 'relation', 'recommendation_lists', null),
('reader', 'relation', 'cold_start_recommendations', null),
('reader', 'relation', 'similar_items', null),
('reader', 'relation', 'similar_users', null),
('reader', 'relation', 'trending_items', null),
('reader', 'relation', 'user_interests', null),
('reader', 'relation', 'item_vectors', null),
('reader', 'relation', 'people_to_follow', null),
('reader', 'relation', 'users', '{user_key,user_id}'),
('reader', 'relation', 'items', '{item_key,item_id,title,category,is_listed,is_available}'),
('reader', 'relation', 'strategies', null),
('reader', 'relation', 'variants', null),
('reader', 'function', 'recommend', null),
('reader', 'function', 'variant_of', null),
('reader', 'function', 'nights_to_see', null),
('reader', 'function', 'reason_in_words', null),
('reader', 'function', 'reasons_of_entry', null),
-- Analysts: how good lists are, and what is popular; no row that is about one user.
('analyst', 'relation', 'evaluations', null),
('analyst', 'relation', 'trending_items', null),
('analyst', 'relation', 'similar_items', null),
('analyst', 'relation', 'experiments', null),
('analyst', 'relation', 'running_experiments', null),
('analyst', 'relation', 'experiment_sums', null),
('analyst', 'relation', 'night_variants', null),
('analyst', 'relation', 'variants', null),
('analyst', 'relation', 'published_nights', null),
('analyst', 'relation', 'interaction_days', null),
('analyst', 'relation', 'event_types', null),
('analyst', 'relation', 'daily_trends', null),
('analyst', 'relation', 'items', null),
('analyst', 'relation', 'item_vectors', null),
-- An error may quote a row.
('analyst', 'relation', 'nights', '{day,step,state,counts,fingerprint,started_at,finished_at}'),
-- Parameters learned from behaviour can tell of it.
(
    'analyst', 'relation', 'models',
    '{model_key,model_id,kind,encoder_id,dim,state,seed,trained_until,trained_on,validation,
    created_at}'
),
('analyst', 'function', 'nights_to_see', null);

-- Put the schema's rights in order; to be called after every migration, by the schema's owner.
-- Gives the roles that are not there, or that someone may log in as, and that got nothing.
-- Every function that finds names when it runs finds them in this schema; what changes tables does
-- so as the owner, so that the pipeline needs to own nothing; nobody may call anything by default.
create function secure_schema() returns text[]
language plpgsql
as $$
declare
    place text := current_schema();
    kind text;
    holder text;
    missing text[] := '{}';
    found record;
begin
    for found in
        select pg_proc.oid::regprocedure as signature, pg_proc.proname, pg_proc.prosqlbody
        from pg_proc
        where pg_proc.pronamespace = quote_ident(place)::regnamespace
    loop
        if found.prosqlbody is null then
            -- The condition of a list filter is the operator's, and may name what is public.
            execute format(
                'alter function %s set search_path to %I, %spg_temp', found.signature, place,
                case when found.proname = 'filter_items' then 'public, ' else '' end
            );
        end if;
        if found.proname in (
            'create_draft', 'publish_draft', 'drop_draft', 'drop_lists', 'publish_provisional',
            'drop_provisional', 'prepare_item_vectors', 'recommend', 'variant_of',
            'reasons_of_entry'
        ) then
            execute format('alter function %s security definer', found.signature);
        end if;
        execute format('revoke all on function %s from public', found.signature);
    end loop;
    foreach kind in array array['pipeline', 'reader', 'analyst'] loop
        holder := place || '_' || kind;
        if not exists (select from pg_roles where rolname = holder) then
            begin
                execute format('create role %I nologin', holder);
            exception
                when insufficient_privilege then null;
                -- Another migration made it meanwhile.
                when duplicate_object or unique_violation then null;
            end;
        end if;
        if not exists (select from pg_roles where rolname = holder and not rolcanlogin) then
            missing := missing || holder;
            continue;
        end if;
        execute format('grant usage on schema %I to %I', place, holder);
        if kind = 'pipeline' then
            perform grant_to_pipeline(holder);
        else
            perform grant_by_rules(kind, holder);
        end if;
    end loop;
    return missing;
end
$$;

-- The pipeline writes every table but the one that says which version the schema has.
create function grant_to_pipeline(holder text) returns void
language plpgsql
as $$
declare
    place text := current_schema();
begin
    execute format(
        'grant select, insert, update, delete, truncate on all tables in schema %I to %I',
        place, holder
    );
    execute format('revoke all on schema_migrations, access_rules from %I', holder);
    execute format('grant select on schema_migrations, access_rules to %I', holder);
    execute format('grant usage, select on all sequences in schema %I to %I', place, holder);
    execute format('grant execute on all functions in schema %I to %I', place, holder);
    execute format(
        'revoke execute on function secure_schema(), grant_to_pipeline(text),'
        ' grant_by_rules(text, text) from %I',
        holder
    );
    if current_setting('server_version_num')::integer >= 170000 then
        -- Vacuum and analyze, which took an owner before.
        execute format('grant maintain on all tables in schema %I to %I', place, holder);
    end if;
end
$$;

create function grant_by_rules(kind text, holder text) returns void
language plpgsql
as $$
declare
    rule record;
begin
    for rule in
        select access_rules.kind, access_rules.name, access_rules.columns
        from access_rules
        where access_rules.role = grant_by_rules.kind
    loop
        if rule.kind = 'function' then
            execute format(
                'grant execute on function %s to %I', rule.name::regproc::regprocedure, holder
            );
        else
            execute format(
                'grant select%s on %I to %I',
                (
                    select ' (' || string_agg(quote_ident(name), ', ') || ')'
                    from unnest(rule.columns) as granted (name)
                ),
                rule.name, holder
            );
        end if;
    end loop;
end
$$;

-- Whoever could call what applications call goes on; until now that took the schema's usage alone.
do $$
declare
    place text := current_schema();
    found record;
begin
    -- The functions above look for each other in the schema, also the first time.
    execute format('alter function secure_schema() set search_path to %I, pg_temp', place);
    for found in
        select
            access_rules.name::regproc::regprocedure as signature,
            case grants.grantee when 0 then 'public' else quote_ident(pg_roles.rolname) end as holder
        from pg_namespace
        cross join lateral aclexplode(pg_namespace.nspacl) as grants
        left join pg_roles on grants.grantee = pg_roles.oid
        cross join access_rules
        where
            pg_namespace.nspname = place
            and grants.privilege_type = 'USAGE'
            and grants.grantee != pg_namespace.nspowner
            and access_rules.role = 'reader'
            and access_rules.kind = 'function'
    loop
        execute format('grant execute on function %s to %s', found.signature, found.holder);
    end loop;
end
$$;
