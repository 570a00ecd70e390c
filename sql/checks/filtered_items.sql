-- No list holds an item that the filter of lists keeps out.
select
    count(*) || ' entries of night ' || drafted.night
    || ' show what RECSYS_LIST_FILTER keeps out' as finding
from (
    select
        draft_lists.night,
        unnest(draft_lists.item_keys) as item_key
    from draft_lists
    where draft_lists.night = any(%(nights)s::date[])
    union all
    select
        draft_nights.night,
        unnest(draft_nights.cold_item_keys) as item_key
    from draft_nights
    where draft_nights.night = any(%(nights)s::date[])
) as drafted
inner join filtered_items on drafted.item_key = filtered_items.item_key
group by drafted.night;
