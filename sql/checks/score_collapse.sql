-- Scores tell items apart as they did: how far the tenth of a list lies below the first, on the
-- mean of users, against their lists of the night before by the same model. Scores of two models
-- have two scales; fewer than a hundred users tell too little.
with spread as (
    select
        drafts.night,
        drafts.earlier_night,
        drafts.scores[1] - drafts.scores[10] as drafted,
        drafts.earlier_scores[1] - drafts.earlier_scores[10] as earlier
    from drafts_beside_earlier as drafts
    where drafts.night = any(%(nights)s::date[]) and drafts.is_of_one_kind
)

select
    'the tenth of a list of night ' || spread.night || ' lies '
    || round(avg(spread.drafted)::numeric, 4)
    || ' below its first, in night ' || spread.earlier_night || ' it lay '
    || round(avg(spread.earlier)::numeric, 4) || ' (RECSYS_ENOUGH_SPREAD)' as finding
from spread
where
    spread.drafted is not null
    and spread.earlier is not null
    and spread.drafted not in ('NaN', 'Infinity', '-Infinity')
group by spread.night, spread.earlier_night
having count(*) >= 100 and avg(spread.drafted) < %(enough_spread)s * avg(spread.earlier);
