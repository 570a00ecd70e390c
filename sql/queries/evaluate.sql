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

-- name: served_lists
-- The list that each user who did something on a day was served: of the latest night that made one,
-- else the cold-start list; and the variant that the night assigned, else the list's where nights
-- knew of no variants yet.
select
    active.user_key,
    coalesce(lists.item_keys, cold_start_lists.item_keys) as item_keys,
    coalesce(variants.variant, 'content') as variant
from (
    select distinct interactions.user_key
    from interactions
    where interactions.day = %(day)s
) as active
left join lateral (
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
inner join users on active.user_key = users.user_key
left join night_variants as standard
    on standard.night = %(night)s and standard.is_default
left join night_variants as shown
    on
        standard.night = shown.night
        and shown.is_served
        and shown.places @> place_of(shown.salt, users.user_id)
left join variants
    on
        coalesce(shown.variant_key, standard.variant_key, lists.variant_key)
        = variants.variant_key
left join cold_start_lists on cold_start_lists.night = %(night)s
order by active.user_key;

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
