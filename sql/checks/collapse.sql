-- Lists do not change altogether from one week to the next: that is a broken model, no new taste.
-- Where fewer than a hundred users acted on the day, a few of them can turn every trend.
with drafted as (
    select
        draft_lists.night,
        earlier.night as earlier_night,
        draft_lists.item_keys[1:10] as item_keys,
        recommendation_lists.item_keys[1:10] as earlier_keys
    from draft_nights
    cross join
        lateral (
            select published_nights.night
            from published_nights
            where
                published_nights.night < draft_nights.night
                and published_nights.night >= draft_nights.night - 7
            order by published_nights.night desc
            limit 1
        ) as earlier
    inner join draft_lists on draft_nights.night = draft_lists.night
    inner join recommendation_lists
        on
            earlier.night = recommendation_lists.night
            and draft_lists.user_key = recommendation_lists.user_key
    where
        draft_nights.night = any(%(nights)s::date[])
        and (
            select count(distinct interactions.user_key)
            from interactions
            where interactions.day = draft_nights.night
        ) >= 100
),

shared as (
    select
        drafted.night,
        drafted.earlier_night,
        (
            select count(*)::float8 / cardinality(drafted.item_keys)
            from unnest(drafted.item_keys) as entries (item_key)
            where entries.item_key = any(drafted.earlier_keys)
        ) as overlap
    from drafted
)

select
    'lists of night ' || shared.night || ' share ' || round(100 * avg(shared.overlap)::numeric, 1)
    || ' percent with those of night '
    || shared.earlier_night
    || ' (RECSYS_ENOUGH_OVERLAP)' as finding
from shared
group by shared.night, shared.earlier_night
having avg(shared.overlap) < %(enough_overlap)s;
