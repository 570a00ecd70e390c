-- No list holds an item twice.
select
    count(*)
    || ' lists of night '
    || draft_lists.night
    || ' hold an item twice, the first of user_key '
    || min(draft_lists.user_key) as finding
from draft_lists
where
    draft_lists.night = any(%(nights)s::date[])
    and cardinality(draft_lists.item_keys) > (
        select count(distinct entries.item_key)
        from unnest(draft_lists.item_keys) as entries (item_key)
    )
group by draft_lists.night;
