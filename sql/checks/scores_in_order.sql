-- Scores are finite and do not ascend; where a policy reorders lists, the first is the best.
select
    count(*)
    || ' scores of night '
    || draft_lists.night
    || ' are not finite or out of order, the first of user_key '
    || min(draft_lists.user_key) as finding
from draft_lists
cross join
    lateral (
        select
            entries.score,
            case
                when %(reorders)s then draft_lists.scores[1]
                else lag(entries.score) over (order by entries.rank)
            end as better
        from unnest(draft_lists.scores) with ordinality as entries (score, rank)
    ) as pairs
where
    draft_lists.night = any(%(nights)s::date[])
    and (
        pairs.score in ('NaN', 'Infinity', '-Infinity')
        or pairs.score > pairs.better
    )
group by draft_lists.night;
