-- A day is about items that the catalogue lists: the share of interactions with others is not much
-- larger than on the same weekday of the four weeks before. Fewer than a hundred tell too little.
-- Those days are read only where the day's own share is so large that they have to excuse it.
with own as (
    select
        draft_nights.night,
        avg((not items.is_listed)::integer) as unknown
    from draft_nights
    inner join interactions on draft_nights.night = interactions.day
    inner join items on interactions.item_key = items.item_key
    where draft_nights.night = any(%(nights)s::date[])
    group by draft_nights.night
    having count(*) >= 100 and avg((not items.is_listed)::integer) > %(unknown_items)s
)

select
    round(100 * own.unknown, 1) || ' percent of the interactions of ' || own.night
    || ' are with items that the catalogue does not list, '
    || coalesce(round(100 * usual.unknown, 1), 0)
    || ' percent were on the same weekday (RECSYS_UNKNOWN_ITEMS)' as finding
from own
cross join
    lateral (
        select avg((not items.is_listed)::integer) as unknown
        from interactions
        inner join items on interactions.item_key = items.item_key
        where interactions.day in (own.night - 7, own.night - 14, own.night - 21, own.night - 28)
    ) as usual
where own.unknown > coalesce(usual.unknown, 0) + %(unknown_items)s;
