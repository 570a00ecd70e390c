-- Live queries that keep what is promised of them, without a knob.

-- As before, one row a night and filter: how widely live queries search, and which share of the
-- nearest items they find by index. Where that is less than was promised they are exact.
alter table live_recalls add column is_exact boolean not null default false;

-- Applications read it where they search by statements of their own.
insert into access_rules (role, kind, name, columns) values
('reader', 'relation', 'live_recalls', null),
('reader', 'function', 'nearest_items', null);

-- noqa: disable=RF01
-- The available items whose inner product with an interest is largest, in that order, equal ones
-- by item_id. No category, or no list to be among, lets every item through. With an ef_search they
-- are what the planner's way finds, by an index of vectors perhaps, and fewer than n are not taken
-- at their word: where a filter lets little through an index gives up early. With null it is exact.
-- Settings stand again afterwards as they stood; an error takes them back by itself.
create function search_items(
    interest halfvec, n integer, category text, among text[], ef_search integer
) returns table (item_key integer, item_id text, score real)
language plpgsql stable rows 10
set jit = off
as $$
declare
    near text := (
        select format('item_vectors.vector operator(%I.<#>) $1', pg_namespace.nspname)
        from pg_extension
        inner join pg_namespace on pg_extension.extnamespace = pg_namespace.oid
        where pg_extension.extname = 'vector'
    );
    passing text :=
        ' from item_vectors where item_vectors.is_available'
        ' and ($3 is null or item_vectors.category = $3)'
        ' and ($4 is null or item_vectors.item_id = any($4))';
    before text[];
    nearest integer[];
begin
    if search_items.ef_search is not null then
        -- What loads the library, so that its settings are known.
        execute replace('select ' || near, 'item_vectors.vector', '$1') using interest;
        before := array[
            current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan', true)
        ];
        perform set_config('hnsw.ef_search', search_items.ef_search::text, true);
        if before[2] is not null then
            perform set_config('hnsw.iterative_scan', 'relaxed_order', true);
        end if;
        execute 'select array(select item_vectors.item_key' || passing
            || ' order by ' || near || ' limit $2)'
        into nearest
        using interest, n, search_items.category, among;
        perform set_config('hnsw.ef_search', before[1], true);
        if before[2] is not null then
            perform set_config('hnsw.iterative_scan', before[2], true);
        end if;
    end if;
    if cardinality(nearest) = n then
        passing := ' from item_vectors where item_vectors.item_key = any($5)';
    end if;
    -- What adds 0 is an expression that no index is of.
    return query execute
        'select item_vectors.item_key, item_vectors.item_id, (-(' || near || '))::real' || passing
        || ' order by (' || near || ') + 0, item_vectors.item_id limit $2'
    using interest, n, search_items.category, among, nearest;
end
$$;

-- The available items that are nearest to what a user is interested in as of the newest published
-- night, by what the score knows of it: inner products of item_vectors. As many of the truly
-- nearest are found as RECSYS_ENOUGH_RECALL promises, in the search of which a night has seen it
-- (live_recalls), or all. No row for a user without interests: `recommend` has a list for them too.
create function nearest_items(
    user_id text,
    n integer default 10,
    category text default null,
    among text[] default null
) returns table (rank integer, item_id text, score real)
language plpgsql stable security definer rows 10
as $$
declare
    interest item_vectors.vector%type;
    ef_search double precision;
begin
    if nearest_items.n is null or nearest_items.n < 1 then
        return;
    end if;
    execute format(
        'select %I.sum(user_interests.vector) from user_interests'
        ' where user_interests.user_id = $1'
        ' group by user_interests.night order by user_interests.night desc limit 1',
        (
            select pg_namespace.nspname
            from pg_extension
            inner join pg_namespace on pg_extension.extnamespace = pg_namespace.oid
            where pg_extension.extname = 'vector'
        )
    )
    into interest
    using nearest_items.user_id;
    if interest is null then
        return;
    end if;
    if among is null then
        -- A night has looked for the nearest k: more of them want a wider search.
        select live_recalls.ef_search * greatest(1, ceil(nearest_items.n / live_recalls.k::real))
        into ef_search
        from live_recalls
        where
            not live_recalls.is_exact
            and live_recalls.night = (select max(published_nights.night) from published_nights)
            and live_recalls.filter
            = case when nearest_items.category is null then 'none' else 'category' end;
    end if;
    return query
    select
        (row_number() over (order by nearest.score desc, nearest.item_id))::integer,
        nearest.item_id,
        nearest.score
    from search_items(
        interest,
        nearest_items.n,
        nearest_items.category,
        among,
        case when ef_search <= 1000 then ef_search::integer end
    ) as nearest
    order by 1;
end
$$;
-- noqa: enable=RF01
