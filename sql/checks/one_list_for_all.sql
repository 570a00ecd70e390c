-- Users of whom something is known are not all shown the same.
select
    'all '
    || count(*)
    || ' personal lists of night '
    || draft_lists.night
    || ' are equal' as finding
from draft_lists
inner join strategies on draft_lists.strategy_key = strategies.strategy_key
where
    draft_lists.night = any(%(nights)s::date[])
    and strategies.strategy = 'personal'
group by draft_lists.night
having count(*) >= 100 and count(distinct draft_lists.item_keys[1:10]) = 1;
