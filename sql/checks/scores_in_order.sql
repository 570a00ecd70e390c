-- Scores are finite and do not ascend; where a policy reorders lists, the first is the best.
select
    count(*)
    || ' scores of night '
    || draft_lists.night
    || ' are not finite or out of order, the first of user_key '
    || min(draft_lists.user_key) as finding
from draft_lists
cross join
    lateral unnest(
        draft_lists.scores,
        case
            when %(reorders)s
                then array_fill(draft_lists.scores[1], array[cardinality(draft_lists.scores)])
            else draft_lists.scores[1:1] || draft_lists.scores
        end
    ) as pairs (score, better)
where
    draft_lists.night = any(%(nights)s::date[])
    and (
        pairs.score in ('NaN', 'Infinity', '-Infinity')
        or pairs.score > pairs.better
    )
group by draft_lists.night;
