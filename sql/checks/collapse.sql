-- Lists do not change altogether from one week to the next: that is a broken model, no new taste.
-- Where fewer than a hundred users acted on the day, a few of them can turn every trend.
with nights as (
    select draft_nights.night
    from draft_nights
    where
        draft_nights.night = any(%(nights)s::date[])
        and (
            select count(*)
            from (
                -- No more are looked for: an index has them one after another.
                select distinct interactions.user_key
                from interactions
                where interactions.day = draft_nights.night
                order by interactions.user_key
                limit 100
            ) as active
        ) = 100
),

shared as (
    select
        drafted.night,
        drafted.earlier_night,
        (
            select count(*)::float8 / cardinality(drafted.item_keys[1:10])
            from unnest(drafted.item_keys[1:10]) as entries (item_key)
            where entries.item_key = any(drafted.earlier_keys[1:10])
        ) as overlap
    from nights
    inner join drafts_beside_earlier as drafted on nights.night = drafted.night
)

select
    'lists of night ' || shared.night || ' share ' || round(100 * avg(shared.overlap)::numeric, 1)
    || ' percent with those of night '
    || shared.earlier_night
    || ' (RECSYS_ENOUGH_OVERLAP)' as finding
from shared
group by shared.night, shared.earlier_night
having avg(shared.overlap) < %(enough_overlap)s;
