-- name: live_index
-- The index that live queries go by; none where there is none.
select pg_class.relname
from pg_index
inner join pg_class on pg_index.indexrelid = pg_class.oid
inner join pg_am on pg_class.relam = pg_am.oid
where
    pg_index.indrelid = 'item_vectors'::regclass
    and pg_am.amname = 'hnsw'
    and pg_index.indisvalid;

-- name: live_items
-- What live queries may find, with a number for the category; 0 where there is none.
copy (
    select
        item_vectors.item_key,
        case
            when item_vectors.category is null then 0
            else dense_rank() over (order by item_vectors.category)
        end::integer as category,
        item_vectors.vector
    from item_vectors
    where item_vectors.is_available
    order by item_vectors.item_key
) to stdout with (format "binary");

-- name: live_categories
-- Names of those numbers, from 1 on.
select distinct item_vectors.category
from item_vectors
where item_vectors.is_available and item_vectors.category is not null
order by item_vectors.category;

-- name: live_users
-- Interests of some users, as user_interests shows them: of users who come next to keys drawn by a
-- hash, so that no table is read whole; others every night.
select interests.vector::text
from (
    select distinct nearest.user_key
    from generate_series(1, %(n)s) as draws (draw)
    cross join (select max(users.user_key) as last_key from users) as ends
    cross join
        lateral (
            select shown.user_key
            from interests as shown
            where
                shown.user_key >= 1 + abs(
                    mod(
                        hashint8extended(draws.draw, %(night)s::date - date '1970-01-01'),
                        ends.last_key
                    )
                )
            order by shown.user_key
            limit 1
        ) as nearest
) as drawn
cross join
    lateral (
        select sum(latest.vector) as vector
        from interests as latest
        inner join models on latest.model_key = models.model_key
        inner join derived_tables on models.model_id = derived_tables.fingerprint
        where
            derived_tables.name = 'interests'
            and latest.user_key = drawn.user_key
        group by latest.night
        order by latest.night desc
        limit 1
    ) as interests
order by drawn.user_key;

-- name: search_live
-- A live query, of all items or of those of a category.
select found.item_key
from search_items(%(user)s::halfvec, %(k)s, %(category)s, null, %(ef_search)s) as found;

-- name: is_live_recall_measured
select exists(
    select
    from live_recalls
    where live_recalls.night = %(night)s
);

-- name: delete_live_recalls!
delete from live_recalls
where night = %(night)s;

-- name: insert_live_recall!
insert into live_recalls (night, filter, k, ef_search, n_users, recall, is_exact)
values (
    %(night)s, %(filter)s, %(k)s, %(ef_search)s, %(n_users)s, %(recall)s, %(is_exact)s
);
