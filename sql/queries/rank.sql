-- name: nights_to_rank
-- The night itself, and the newest published one if what its lists were made from has changed
-- since. The newest comes first: it alone writes neighbours, so it must find first whose interest
-- is to be shown anew.
-- The fingerprint covers all that lists are made from, also while another night's steps are between
-- each other: days taken from the source whose deltas are not made anew yet, or not folded.
with made_from as (
    select
        (
            select sum(hash_record_extended(items, 0))
            from items
        )
        || ' ' || (
            select
                coalesce(
                    sum(
                        hash_record_extended(
                            row(users.user_key, users.attributes, users.created_at), 0
                        )
                    ),
                    0
                )
            from users
            where users.attributes is not null
        )
        || ' ' || (
            select coalesce(sum(hashtextextended(to_jsonb(event_types.*)::text, 0)), 0)
            from event_types
        )
        || ' ' || (
            select coalesce(sum(hashint4extended(filtered_items.item_key, 0)), 0)
            from filtered_items
        )
        || ' ' || (
            select
                coalesce(
                    string_agg(
                        models.model_id || coalesce(encode(models.reranker_sha256, 'hex'), ''),
                        ' ' order by models.model_id
                    ),
                    ''
                )
            from models
            where models.model_key = any(%(model_keys)s)
        ) as facts
),

inputs as (
    select
        candidates.night,
        md5(
            string_agg(
                accumulated_days.day
                || accumulated_days.fingerprint
                || interaction_days.source_fingerprint,
                ' ' order by accumulated_days.day
            )
            || ' ' || %(settings_fingerprint)s || ' ' || %(model_id)s
            || ' ' || (select made_from.facts from made_from)
            || ' ' || (
                select count(*)
                from pending_merges
                where
                    pending_merges.model_key = any(%(model_keys)s)
                    and pending_merges.day <= candidates.night
            )
        ) as fingerprint
    from (
        select %(day)s::date as night
        union
        select max(published_nights.night) as night
        from published_nights
        where published_nights.night > %(day)s
    ) as candidates
    inner join accumulated_days
        on
            candidates.night >= accumulated_days.day
            and accumulated_days.model_key = %(model_key)s
    inner join interaction_days on accumulated_days.day = interaction_days.day
    group by candidates.night
)

select
    inputs.night,
    inputs.fingerprint
from inputs
left join published_nights on inputs.night = published_nights.night
where
    inputs.night = %(day)s
    or inputs.fingerprint != published_nights.inputs_fingerprint
order by inputs.night desc;

-- name: catalogue_as_of
-- What may be listed after a night: in the order of ids, which breaks ties. 0 stands for no text.
copy (
    select
        items.item_key,
        coalesce(items.text_key, 0),
        items.first_day
    from dated_items(%(night)s) as items
    where
        items.is_listed
        and items.is_available
        and (items.created_at is null or items.created_at < %(night)s::date + 1)
    order by items.item_id collate "C"
) to stdout with (format "binary");

-- name: users_to_refresh
-- Users with a history until a night, in the order of ids.
copy (
    select users.user_key
    from named_users as users
    where
        users.user_key between %(first)s and %(last)s
        and exists (
            select
            from interactions
            where
                interactions.user_key = users.user_key
                and interactions.day <= %(night)s
        )
    order by users.user_id collate "C"
) to stdout with (format "binary");

-- name: users_of_late
-- Users active in the last days until a night, in the order of ids: whoever is idle is not met.
copy (
    select users.user_key
    from (
        select distinct interactions.user_key
        from interactions
        where
            interactions.day <= %(night)s
            and interactions.day > %(night)s::date - %(refresh_days)s::integer
            and interactions.user_key between %(first)s and %(last)s
    ) as active
    inner join named_users as users on active.user_key = users.user_key
    order by users.user_id collate "C"
) to stdout with (format "binary");

-- name: size_of_lists
-- For how many users a night makes lists, but for newcomers; among how many items; by vectors of
-- what length; and whether a second stage ranks them again. No row before the first model.
select
    case
        when %(refresh_days)s::integer is null
            then (select count(*) from users)
        else (
            select count(distinct interactions.user_key)
            from interactions
            where
                interactions.day <= %(night)s
                and interactions.day > %(night)s::date - %(refresh_days)s::integer
        )
    end as n_users,
    (
        select count(*) from items
        where items.is_listed
    ) as n_items,
    models.dim,
    models.reranker is not null as has_second_stage
from models
where models.state = 'serving';

-- name: used_up_items
-- Which items some users had, after a day, until a night.
copy (
    select distinct
        used_up_items.user_key,
        used_up_items.item_key
    from used_up_items
    where
        used_up_items.user_key = any(%(user_keys)s)
        and used_up_items.day <= %(night)s
        and used_up_items.day > %(since)s
) to stdout with (format "binary");

-- name: trends_until
copy (
    select
        daily_trends.item_key,
        daily_trends.day,
        daily_trends.mass
    from daily_trends
    where daily_trends.day <= %(night)s and daily_trends.day > %(since)s
    order by daily_trends.item_key, daily_trends.day
) to stdout with (format "binary");

-- name: variant_key
with added as (
    -- A conflict would use a key up every night, and there are only 32767 of them.
    insert into variants (variant)
    select %(variant)s
    where
        not exists (
            select
            from variants
            where variants.variant = %(variant)s
        )
    returning variants.variant_key
)

select added.variant_key
from added
union all
select variants.variant_key
from variants
where variants.variant = %(variant)s;

-- name: create_draft
select create_draft(%(night)s);

-- name: insert_draft_shard!
insert into draft_shards (night, shard, first_user_key, last_user_key)
values (%(night)s, %(shard)s, %(first)s, %(last)s);

-- name: planned_nights
-- Those of some nights that have a plan, the newest first: what it was made from, and in how many
-- shards.
select
    draft_nights.night,
    draft_nights.inputs_fingerprint,
    count(*) as n_shards
from draft_nights
inner join draft_shards on draft_nights.night = draft_shards.night
where draft_nights.night = any(%(nights)s::date[])
group by draft_nights.night
order by draft_nights.night desc;

-- name: claim_shard
-- The users of a shard that is not made yet and that nobody else is making.
select
    draft_shards.first_user_key,
    draft_shards.last_user_key
from draft_shards
where
    draft_shards.night = %(night)s
    and draft_shards.shard = %(shard)s
    and draft_shards.n_lists is null
for update skip locked;

-- name: shard_is_made
select draft_shards.n_lists is not null
from draft_shards
where draft_shards.night = %(night)s and draft_shards.shard = %(shard)s;

-- name: finish_shard!
update draft_shards
set
    n_lists = %(n_lists)s,
    started_at = %(started_at)s,
    finished_at = %(finished_at)s,
    error = null
where night = %(night)s and shard = %(shard)s;

-- name: fail_shard!
-- Unless somebody else is making it at this moment.
update draft_shards
set error = %(error)s
where
    (night, shard) in (
        select
            failed.night,
            failed.shard
        from draft_shards as failed
        where
            failed.night = %(night)s
            and failed.shard = %(shard)s
            and failed.n_lists is null
        for update skip locked
    );

-- name: shards_left
-- Shards of a night that are not made yet, and of how many.
select
    array_agg(draft_shards.shard::integer order by draft_shards.shard) filter (
        where draft_shards.n_lists is null
    ) as shards,
    count(*) as n_shards
from draft_shards
where draft_shards.night = %(night)s;

-- name: copy_draft_lists!
copy draft_lists (
    night,
    user_key,
    model_key,
    strategy_key,
    variant_key,
    item_keys,
    scores,
    reason_kinds,
    reason_items,
    reason_details,
    reason_days,
    part_kinds,
    part_items,
    part_details,
    part_days,
    parts
) from stdin with (format "binary");

-- name: insert_draft_night!
insert into draft_nights (
    night,
    partition_name,
    model_key,
    inputs_fingerprint,
    cold_item_keys,
    cold_scores,
    cold_details,
    excludes_after
)
values (
    %(night)s,
    %(partition_name)s,
    %(model_key)s,
    %(fingerprint)s,
    %(item_keys)s,
    %(scores)s,
    %(details)s::smallint[],
    %(excludes_after)s
);

-- name: delete_trends!
delete from trends
where night = %(night)s;

-- name: copy_trends!
copy trends (night, horizon, rank, item_key, score) from stdin with (format "binary");

-- name: interests_to_show
-- Users whose interest as of their last active day is not shown, or who were active on the night's
-- day. A total knows its last active day; only who came again after the night is looked up.
copy (
    select active.user_key
    from (
        select
            interest_totals.user_key,
            interest_totals.as_of as day
        from interest_totals
        where
            interest_totals.model_key = %(model_key)s
            and interest_totals.half_life = %(half_life)s::real
            and interest_totals.as_of <= %(night)s
        union all
        select
            interest_totals.user_key,
            earlier.day
        from interest_totals
        cross join
            lateral (
                select max(daily_interests.day) as day
                from daily_interests
                where
                    daily_interests.model_key = interest_totals.model_key
                    and daily_interests.user_key = interest_totals.user_key
                    and daily_interests.day <= %(night)s
            ) as earlier
        where
            interest_totals.model_key = %(model_key)s
            and interest_totals.half_life = %(half_life)s::real
            and interest_totals.as_of > %(night)s
            and earlier.day is not null
    ) as active
    where
        active.day = %(night)s
        or not exists (
            select
            from interests
            where
                interests.model_key = %(model_key)s
                and interests.user_key = active.user_key
                and interests.night = active.day
                and interests.half_life = %(half_life)s::real
        )
    order by active.user_key
) to stdout with (format "binary");

-- name: interests_due
-- Of interests_to_show, whoever can be among them while the model stays: users of the night's day,
-- and those who were folded since the newest night.
copy (
    select daily_interests.user_key
    from daily_interests
    where
        daily_interests.model_key = %(model_key)s
        and daily_interests.half_life = %(half_life)s::real
        and daily_interests.day = %(night)s
    union
    select interests_due.user_key
    from interests_due
    cross join
        lateral (
            select max(daily_interests.day) as day
            from daily_interests
            where
                daily_interests.model_key = interests_due.model_key
                and daily_interests.user_key = interests_due.user_key
                and daily_interests.day <= %(night)s
        ) as latest
    where
        interests_due.model_key = %(model_key)s
        and latest.day is not null
        and not exists (
            select
            from interests
            where
                interests.model_key = %(model_key)s
                and interests.user_key = interests_due.user_key
                and interests.night = latest.day
                and interests.half_life = %(half_life)s::real
        )
    order by user_key
) to stdout with (format "binary");

-- name: delete_interests_due!
-- Of whoever did nothing after a night, which has shown them.
delete from interests_due
where
    interests_due.model_key = %(model_key)s
    and not exists (
        select
        from interest_totals
        where
            interest_totals.model_key = interests_due.model_key
            and interest_totals.user_key = interests_due.user_key
            and interest_totals.as_of > %(night)s
    );

-- name: delete_interests!
delete from interests
where
    model_key = %(model_key)s
    and night = %(night)s
    and user_key = any(%(user_keys)s);

-- name: copy_interests!
copy interests (model_key, night, user_key, half_life, mass, alpha, vector) from stdin with (
    format "binary"
);

-- name: published_after
select exists(
    select from published_nights
    where published_nights.night > %(night)s
);

-- name: derived_fingerprint
select derived_tables.fingerprint
from derived_tables
where derived_tables.name = %(table)s;

-- name: upsert_derived!
insert into derived_tables (name, fingerprint)
values (%(table)s, %(fingerprint)s)
on conflict (name) do update
    set fingerprint = excluded.fingerprint;

-- name: compared_centre
-- What items' vectors were compared less; null where there is nothing to go on from.
select derived_tables.centre::real[]
from derived_tables
where derived_tables.name = 'item_neighbours' and derived_tables.fingerprint = %(fingerprint)s;

-- name: upsert_compared!
insert into derived_tables (name, fingerprint, centre)
values ('item_neighbours', %(fingerprint)s, %(centre)s::real[]::vector)
on conflict (name) do update
    set
        fingerprint = excluded.fingerprint,
        centre = excluded.centre;

-- name: compared_items
-- The items whose nearest are known.
copy (
    select
        compared_items.item_key,
        compared_items.vector_digest
    from compared_items
    order by compared_items.item_key
) to stdout with (format "binary");

-- name: full_item_neighbours
-- Of the items that have so many neighbours.
copy (
    select
        item_neighbours.item_key,
        item_neighbours.neighbour_keys,
        item_neighbours.scores
    from item_neighbours
    where cardinality(item_neighbours.neighbour_keys) = %(length)s
    order by item_neighbours.item_key
) to stdout with (format "binary");

-- name: delete_compared_items!
delete from compared_items
where item_key = any(%(item_keys)s);

-- name: copy_compared_items!
copy compared_items (item_key, vector_digest) from stdin with (format "binary");

-- name: delete_item_neighbours!
delete from item_neighbours
where item_key = any(%(item_keys)s);

-- name: copy_item_neighbours!
copy item_neighbours (item_key, neighbour_keys, scores) from stdin with (format "binary");

-- name: delete_user_neighbours!
-- Of those whose interest moved.
delete from user_neighbours
where user_key = any(%(user_keys)s);

-- name: delete_stray_user_neighbours!
-- Of those who have no interest any more.
delete from user_neighbours
where
    not exists (
        select
        from interest_totals
        where
            interest_totals.model_key = %(model_key)s
            and interest_totals.user_key = user_neighbours.user_key
    );

-- name: delete_due_user_neighbours!
-- Of delete_stray_user_neighbours, whoever can be among them while the model stays.
delete from user_neighbours
using interests_due
where
    interests_due.model_key = %(model_key)s
    and interests_due.user_key = user_neighbours.user_key
    and not exists (
        select
        from interest_totals
        where
            interest_totals.model_key = %(model_key)s
            and interest_totals.user_key = user_neighbours.user_key
    );

-- name: copy_user_neighbours!
copy user_neighbours (user_key, neighbour_keys, scores) from stdin with (format "binary");

-- name: prepare_item_vectors
select prepare_item_vectors(%(dim)s);

-- name: drop_vector_index
select drop_vector_index();

-- name: make_vector_index
select make_vector_index();

-- name: items_with_vectors
-- Whatever the catalogue lists after a night, available or not; columns as in catalogue_as_of.
copy (
    select
        items.item_key,
        coalesce(items.text_key, 0),
        items.first_day
    from dated_items(%(night)s) as items
    where
        items.is_listed
        and (items.created_at is null or items.created_at < %(night)s::date + 1)
    order by items.item_key
) to stdout with (format "binary");

-- name: item_vectors_as_they_are
copy (
    select
        item_vectors.item_key,
        item_vectors.vector
    from item_vectors
    order by item_vectors.item_key
) to stdout with (format "binary");

-- name: delete_item_vectors!
delete from item_vectors
where item_key = any(%(item_keys)s);

-- name: create_staged_item_vectors!
create temporary table staged_item_vectors (
    item_key integer not null,
    vector halfvec not null
) on commit drop;

-- name: copy_staged_item_vectors!
copy staged_item_vectors from stdin with (format "binary");

-- name: insert_item_vectors!
insert into item_vectors (item_id, item_key, category, is_available, vector)
select
    items.item_id,
    items.item_key,
    items.category,
    items.is_available,
    staged_item_vectors.vector
from staged_item_vectors
inner join items on staged_item_vectors.item_key = items.item_key
order by items.item_id;

-- name: drop_staged_item_vectors!
drop table staged_item_vectors;

-- name: update_item_vectors!
-- What live queries filter by.
update item_vectors
set
    category = items.category,
    is_available = items.is_available
from items
where
    item_vectors.item_key = items.item_key
    and (
        item_vectors.category is distinct from items.category
        or item_vectors.is_available != items.is_available
    );
