-- name: stale_days
-- Days whose deltas of a model were not made from what is there now, oldest first.
select
    interaction_days.day,
    interaction_days.n_interactions
from interaction_days
left join accumulated_days
    on
        interaction_days.day = accumulated_days.day
        and accumulated_days.model_key = %(model_key)s
where
    accumulated_days.fingerprint is distinct from
    interaction_days.source_fingerprint || ' ' || %(weighing)s
order by interaction_days.day;

-- name: stale_trends
-- Days whose trends were not made from what is there now, oldest first.
select
    interaction_days.day,
    interaction_days.n_interactions
from interaction_days
where
    interaction_days.trends_fingerprint is distinct from
    interaction_days.source_fingerprint || ' ' || %(weighing)s
order by interaction_days.day;

-- name: largest_values
select
    event_types.event_type_key,
    event_types.event_type,
    coalesce(event_types.largest_value, 1)
from event_types;

-- name: user_ranges
-- User keys that part the interactions of days into ranges of some `at_once`; none where there are
-- no more of them.
with size as (
    select sum(interaction_days.n_interactions)::float8 as n
    from interaction_days
    where interaction_days.day = any(%(days)s::date[])
),

parts as (
    select array_agg(edges.number * %(at_once)s / size.n) as fractions
    from size
    cross join lateral generate_series(1, ceil(size.n / %(at_once)s)::integer - 1) as edges (number)
),

edges as (
    select percentile_disc(parts.fractions) within group (order by interactions.user_key) as keys
    from parts
    cross join interactions
    where
        parts.fractions is not null
        and interactions.day = any(%(days)s::date[])
    group by parts.fractions
)

select distinct unnest(edges.keys) as user_key
from edges
order by user_key;

-- name: interactions_of_days
-- In the order in which a delta is summed, user by user.
copy (
    select
        dense_interactions.user_key,
        dense_interactions.item_key,
        dense_interactions.occurred_on,
        dense_interactions.event_type_key,
        dense_interactions.value,
        dense_interactions.item_text_key,
        dense_interactions.text_key
    from dense_interactions
    where
        dense_interactions.day = any(%(days)s::date[])
        and dense_interactions.user_key between %(first)s and %(last)s
    order by
        dense_interactions.user_key, dense_interactions.occurred_at, dense_interactions.event_id
) to stdout with (format "binary");

-- name: vectors_of_texts
copy (
    select
        text_vectors.text_key,
        text_vectors.vector
    from text_vectors
    where
        text_vectors.encoder_id = %(encoder_id)s
        and text_vectors.text_key = any(%(text_keys)s)
    order by text_vectors.text_key
) to stdout with (format "binary");

-- name: places_on_direction
-- Where texts lie from complaint to praise, in an encoder's space.
copy (
    select
        text_vectors.text_key,
        (
            -(text_vectors.vector <#> stance_directions.direction) - stance_directions.middle
        )::real as place
    from text_vectors
    inner join stance_directions on text_vectors.encoder_id = stance_directions.encoder_id
    where
        text_vectors.encoder_id = %(encoder_id)s
        and text_vectors.text_key = any(%(text_keys)s)
) to stdout with (format "binary");

-- name: are_there_deltas
-- Whether a model has any of some days.
select exists(
    select
    from daily_interests
    where
        daily_interests.model_key = %(model_key)s
        and daily_interests.day = any(%(days)s::date[])
);

-- name: deltas_of_days
-- What days add until now to the users of a range.
copy (
    select
        daily_interests.user_key,
        daily_interests.day,
        daily_interests.mass,
        daily_interests.total
    from daily_interests
    where
        daily_interests.model_key = %(model_key)s
        and daily_interests.day = any(%(days)s::date[])
        and daily_interests.user_key between %(first)s and %(last)s
    order by daily_interests.user_key, daily_interests.day, daily_interests.half_life
) to stdout with (format "binary");

-- name: delete_deltas!
delete from daily_interests
using unnest(%(user_keys)s::integer[], %(days)s::date[]) as changed (user_key, day)
where
    daily_interests.model_key = %(model_key)s
    and daily_interests.user_key = changed.user_key
    and daily_interests.day = changed.day;

-- name: mark_changed_users!
-- Users for whom a day does not add what it added until now are to be folded from the earliest such
-- day on.
insert into pending_merges (model_key, user_key, day)
select
    %(model_key)s,
    changed.user_key,
    changed.day
from unnest(%(user_keys)s::integer[], %(days)s::date[]) as changed (user_key, day)
on conflict (model_key, user_key) do update
    set day = least(pending_merges.day, excluded.day);

-- name: copy_daily_interests!
copy daily_interests (model_key, user_key, day, half_life, mass, total) from stdin with (
    format "binary"
);

-- name: delete_daily_trends!
delete from daily_trends
where day = any(%(days)s::date[]);

-- name: copy_daily_trends!
copy daily_trends (item_key, day, mass) from stdin with (format "binary");

-- name: has_deltas
-- Whether a model has any by now.
select exists(
    select from accumulated_days
    where accumulated_days.model_key = %(model_key)s
) as has_deltas;

-- name: analyze_deltas!
-- Of a model that its statistics do not have the planner thinks that there are none, and reads all
-- of them for each user, by the index of days.
analyze daily_interests (user_key, model_key, day, half_life);

-- name: mark_accumulated!
insert into accumulated_days (model_key, day, fingerprint)
select
    %(model_key)s,
    interaction_days.day,
    interaction_days.source_fingerprint || ' ' || %(weighing)s
from interaction_days
where interaction_days.day = any(%(days)s::date[])
on conflict (model_key, day) do update
    set fingerprint = excluded.fingerprint;

-- name: mark_trends!
update interaction_days
set trends_fingerprint = source_fingerprint || ' ' || %(weighing)s
where day = any(%(days)s::date[]);
