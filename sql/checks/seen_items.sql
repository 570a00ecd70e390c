-- No list holds an item that the repeat policy keeps out.
select
    count(*) || ' entries of night ' || draft_lists.night
    || ' repeat what the user had, the first of user_key ' || min(draft_lists.user_key) as finding
from draft_lists
inner join draft_nights on draft_lists.night = draft_nights.night
inner join used_up_items
    on
        draft_lists.user_key = used_up_items.user_key
        and draft_lists.night >= used_up_items.day
        and used_up_items.day
        > coalesce(draft_lists.night - draft_nights.excludes_after, '-infinity')
        and used_up_items.item_key = any(draft_lists.item_keys)
where draft_lists.night = any(%(nights)s::date[])
group by draft_lists.night;
