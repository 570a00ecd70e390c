-- No list holds an item that the repeat policy keeps out.
select
    count(*) || ' entries of night ' || draft_lists.night
    || ' repeat what the user had, the first of user_key ' || min(draft_lists.user_key) as finding
from draft_lists
inner join draft_nights on draft_lists.night = draft_nights.night
inner join interactions
    on
        draft_lists.user_key = interactions.user_key
        and draft_lists.night >= interactions.day
        and interactions.day
        > coalesce(draft_lists.night - draft_nights.excludes_after, '-infinity')
        and interactions.item_key = any(draft_lists.item_keys)
inner join event_types
    on
        interactions.event_type_key = event_types.event_type_key
        and event_types.uses_up
where draft_lists.night = any(%(nights)s::date[])
group by draft_lists.night;
