-- Scores tell items apart as they did: how far the tenth of a list lies below the first, on the
-- mean of users, against their lists of the night before by the same model. Scores of two models
-- have two scales; fewer than a hundred users tell too little.
with spread as (
    select
        draft_lists.night,
        earlier.night as earlier_night,
        draft_lists.scores[1] - draft_lists.scores[10] as drafted,
        recommendation_lists.scores[1] - recommendation_lists.scores[10] as earlier
    from draft_nights
    cross join
        lateral (
            select published_nights.night
            from published_nights
            where
                published_nights.night < draft_nights.night
                and published_nights.night >= draft_nights.night - 7
            order by published_nights.night desc
            limit 1
        ) as earlier
    inner join draft_lists on draft_nights.night = draft_lists.night
    inner join recommendation_lists
        on
            earlier.night = recommendation_lists.night
            and draft_lists.user_key = recommendation_lists.user_key
            and draft_lists.model_key = recommendation_lists.model_key
            and draft_lists.strategy_key = recommendation_lists.strategy_key
            and draft_lists.variant_key = recommendation_lists.variant_key
    where draft_nights.night = any(%(nights)s::date[])
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
