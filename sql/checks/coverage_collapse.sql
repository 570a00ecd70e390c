-- Lists do not suddenly show far fewer different items than the same users' lists did before: a
-- model that knows a handful of items and no users. Fewer than a hundred users tell too little.
with drafted as (
    select
        drafts.night,
        drafts.earlier_night,
        drafts.item_keys[1:10] as item_keys,
        drafts.earlier_keys[1:10] as earlier_keys
    from drafts_beside_earlier as drafts
    where drafts.night = any(%(nights)s::date[])
),

counted as (
    select
        drafted.night,
        drafted.earlier_night,
        count(*) as n_lists,
        (
            select count(distinct entries.item_key)
            from drafted as listed
            cross join lateral unnest(listed.item_keys) as entries (item_key)
            where listed.night = drafted.night
        ) as n_items,
        (
            select count(distinct entries.item_key)
            from drafted as listed
            cross join lateral unnest(listed.earlier_keys) as entries (item_key)
            where listed.night = drafted.night
        ) as n_earlier
    from drafted
    group by drafted.night, drafted.earlier_night
)

select
    'the first ten of night ' || counted.night || ' show ' || counted.n_items
    || ' different items, those of night ' || counted.earlier_night || ' showed '
    || counted.n_earlier || ' to the same users (RECSYS_ENOUGH_COVERAGE)' as finding
from counted
where counted.n_lists >= 100 and counted.n_items < %(enough_coverage)s * counted.n_earlier;
