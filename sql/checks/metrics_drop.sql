-- The newest evaluation of what users were served by default is no worse than those of the four
-- weeks before it, beyond noise: by more than the setting's share of their mean, by its own
-- interval, and by three times as much as nights differ from each other. It takes seven earlier
-- nights, and a hundred user-days of the newest. An evaluation is of the lists of the night before.
with judged as (
    select
        draft_nights.night as drafted_night,
        evaluations.night,
        evaluations.target,
        evaluations.value,
        evaluations.ci_high,
        evaluations.n,
        max(evaluations.night) over (partition by draft_nights.night) as newest
    from draft_nights
    inner join evaluations
        on
            draft_nights.night >= evaluations.night
            and draft_nights.night < evaluations.night + 35
            and evaluations.segment = 'all'
            and evaluations.metric = 'ndcg'
            and evaluations.k = 10
    cross join
        lateral (
            select variants.variant
            from night_variants
            inner join variants on night_variants.variant_key = variants.variant_key
            where night_variants.is_default and night_variants.night < evaluations.night
            order by night_variants.night desc
            limit 1
        ) as standard
    where
        draft_nights.night = any(%(nights)s::date[])
        and evaluations.variant = standard.variant
        and evaluations.value is not null
),

compared as (
    select
        latest.night,
        latest.target,
        latest.value,
        latest.ci_high,
        count(*) as n_nights,
        sum(earlier.value * earlier.n) / sum(earlier.n) as mean,
        stddev_samp(earlier.value) as noise
    from judged as latest
    inner join judged as earlier
        on
            latest.drafted_night = earlier.drafted_night
            and latest.target = earlier.target
            and latest.night > earlier.night
            and latest.night <= earlier.night + 28
    where
        latest.night = latest.newest
        and latest.night > latest.drafted_night - 7
        and latest.n >= 100
    group by latest.drafted_night, latest.night, latest.target, latest.value, latest.ci_high
)

select distinct
    'NDCG@10 of target ' || compared.target || ' was ' || round(compared.value::numeric, 4)
    || ' on ' || compared.night || ', ' || round(compared.mean::numeric, 4)
    || ' on the mean of the ' || compared.n_nights
    || ' nights before (RECSYS_METRICS_DROP)' as finding
from compared
where
    compared.n_nights >= 7
    and compared.value < (1 - %(metrics_drop)s) * compared.mean
    and compared.ci_high < compared.mean
    and compared.value < compared.mean - 3 * compared.noise;
