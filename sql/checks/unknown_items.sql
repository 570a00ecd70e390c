-- A day is about items that the catalogue lists: the share of interactions with others is not much
-- larger than on the same weekday of the four weeks before. Fewer than a hundred tell too little.
with shares as (
    select
        draft_nights.night,
        interactions.day = draft_nights.night as is_own,
        count(*) as n,
        avg((not items.is_listed)::integer) as unknown
    from draft_nights
    inner join interactions
        on
            interactions.day in (
                draft_nights.night,
                draft_nights.night - 7,
                draft_nights.night - 14,
                draft_nights.night - 21,
                draft_nights.night - 28
            )
    inner join items on interactions.item_key = items.item_key
    where draft_nights.night = any(%(nights)s::date[])
    group by draft_nights.night, interactions.day = draft_nights.night
)

select
    round(100 * own.unknown, 1) || ' percent of the interactions of ' || own.night
    || ' are with items that the catalogue does not list, '
    || coalesce(round(100 * usual.unknown, 1), 0)
    || ' percent were on the same weekday (RECSYS_UNKNOWN_ITEMS)' as finding
from shares as own
left join shares as usual on own.night = usual.night and not usual.is_own
where
    own.is_own
    and own.n >= 100
    and own.unknown > coalesce(usual.unknown, 0) + %(unknown_items)s;
