-- name: evaluable_days
-- The day itself, and the next day whose behaviour is known, if lists for it come from this night
-- and it is over.
select interaction_days.day
from interaction_days
where
    interaction_days.day in (%(day)s::date, %(day)s::date + 1)
    and (interaction_days.day = %(day)s or interaction_days.is_over)
    and interaction_days.n_interactions > 0
order by interaction_days.day;

-- name: served_night
-- The night whose lists were served on a day.
select max(published_nights.night)
from published_nights
where published_nights.night < %(day)s;

-- name: deeds_of_day
-- What was done on a day, in no order, without texts and at no hour; columns as in
-- interactions_of_days.
copy (
    select
        interactions.user_key,
        coalesce(interactions.item_key, 0) as item_key,
        (%(day)s::date - date '1970-01-01')::float8 as occurred_on,
        interactions.event_type_key,
        coalesce(interactions.value, 'NaN') as value,
        0 as item_text_key,
        0 as text_key
    from interactions
    where interactions.day = %(day)s
) to stdout with (format "binary");

-- name: create_served_lists!
-- One row a user; variant 0 stands for none.
create temporary table served_lists (
    user_key integer not null,
    item_keys integer[] not null,
    variant_key smallint not null
) on commit drop;

-- name: fill_served_lists!
-- The list that each of some users was served on a day: of the latest night that made one, else the
-- cold-start list; and the variant that the night assigned, else the list's where nights knew of no
-- variants yet. No CTE can be lateral.
insert into served_lists (user_key, item_keys, variant_key)
select
    active.user_key,
    coalesce(lists.item_keys, cold_start_lists.item_keys) as item_keys,
    coalesce(shown.variant_key, standard.variant_key, lists.variant_key, 0) as variant_key
from unnest(%(user_keys)s::integer[]) as active (user_key)
left join lateral ( -- noqa: ST05
    select
        recommendation_lists.item_keys,
        recommendation_lists.variant_key
    from recommendation_lists
    where
        recommendation_lists.user_key = active.user_key
        and recommendation_lists.night <= %(night)s
    order by recommendation_lists.night desc
    limit 1
) as lists on true
inner join named_users as users on active.user_key = users.user_key
left join night_variants as standard
    on standard.night = %(night)s and standard.is_default
left join night_variants as shown
    on
        standard.night = shown.night
        and shown.is_served
        and shown.places @> place_of(shown.salt, users.user_id)
left join cold_start_lists on cold_start_lists.night = %(night)s;

-- name: longest_served_list
select coalesce(max(cardinality(served_lists.item_keys)), 0) from served_lists;

-- name: served_lists
-- In ascending keys of users; every list is as long as the longest, by zeros.
copy (
    select
        served_lists.user_key,
        served_lists.variant_key,
        served_lists.item_keys
        || array_fill(0, array[%(length)s - cardinality(served_lists.item_keys)])
    from served_lists
    order by served_lists.user_key
) to stdout with (format "binary");

-- name: drop_served_lists!
drop table served_lists;

-- name: served_variants
select
    variants.variant_key,
    variants.variant
from variants;

-- name: earlier_deeds
-- What users did before a day; item 0 where there is none.
copy (
    select
        active.user_key,
        coalesce(interactions.item_key, 0) as item_key
    from unnest(%(user_keys)s::integer[]) as active (user_key)
    inner join interactions
        on active.user_key = interactions.user_key
    where interactions.day < %(day)s
) to stdout with (format "binary");

-- name: trends_before
-- How many users took to each item on each day before a day.
copy (
    select
        daily_trends.item_key,
        daily_trends.day,
        daily_trends.mass
    from daily_trends
    where daily_trends.day < %(day)s
) to stdout with (format "binary");

-- name: delete_evaluations!
delete from evaluations
where night = %(night)s;

-- name: insert_evaluations!
insert into evaluations (
    night, target, variant, segment, metric, k, value, ci_low, ci_high, n
)
select
    rows.night,
    rows.target,
    rows.variant,
    rows.segment,
    rows.metric,
    rows.k,
    rows.value,
    rows.ci_low,
    rows.ci_high,
    rows.n
from json_to_recordset(%(evaluations)s) as rows (
        night date,
        target text,
        variant text,
        segment text,
        metric text,
        k smallint,
        value float8,
        ci_low float8,
        ci_high float8,
        n integer
    );
