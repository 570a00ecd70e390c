-- name: page_nights
-- The newest nights of the ledger until a day, newest first.
select
    newest.day,
    published_nights.n_lists,
    published_nights.published_at,
    models.model_id,
    interaction_days.n_interactions,
    interaction_days.n_rejected,
    provisional_nights.n_lists as n_provisional,
    provisional_nights.made_at
from (
    select distinct nights.day
    from nights
    where nights.day <= %(until)s
    order by nights.day desc
    limit %(n)s
) as newest
left join published_nights on newest.day = published_nights.night
left join models on published_nights.model_key = models.model_key
left join interaction_days on newest.day = interaction_days.day
left join provisional_nights on newest.day = provisional_nights.night
order by newest.day desc;

-- name: page_steps
-- The ledger's lines of the days in [since, until], newest day first, in the order of starting.
select
    nights.day,
    nights.step,
    nights.state,
    nights.counts,
    nights.started_at,
    nights.finished_at,
    nights.error,
    nights.note
from nights
where nights.day between %(since)s and %(until)s
order by nights.day desc, nights.started_at asc, nights.step asc;

-- name: page_newest_published
select max(published_nights.night) from published_nights;

-- name: page_evaluations_over_nights
-- One metric of every variant and baseline, night by night.
select
    evaluations.night,
    evaluations.variant,
    evaluations.value,
    evaluations.ci_low,
    evaluations.ci_high,
    evaluations.n
from evaluations
where
    evaluations.metric = %(metric)s
    and evaluations.k = %(k)s
    and evaluations.target = %(target)s
    and evaluations.segment = %(segment)s
    and evaluations.night between %(since)s and %(until)s
order by evaluations.night asc, evaluations.variant asc;

-- name: page_evaluations_of_night
-- The chosen metrics of a night, of all users, best first.
select
    evaluations.target,
    evaluations.variant,
    evaluations.metric,
    evaluations.value,
    evaluations.ci_low,
    evaluations.ci_high,
    evaluations.n
from evaluations
where
    evaluations.metric = any(%(metrics)s::text[])
    and evaluations.k = %(k)s
    and evaluations.segment = 'all'
    and evaluations.target in ('new', 'all')
    and evaluations.night = %(night)s
order by
    evaluations.target desc,
    evaluations.metric asc,
    evaluations.value desc nulls last,
    evaluations.variant asc;

-- name: page_rejected_by_reason
-- Rejected rows of a day by reason, with one of each; any `most` of them, where there are more.
with rejected as (
    select
        rejected_interactions.reason,
        rejected_interactions.event_id,
        rejected_interactions.row::text as row
    from rejected_interactions
    where rejected_interactions.day = %(day)s
    limit %(most)s -- noqa: AM09
)

select
    rejected.reason,
    count(*) as n,
    min(rejected.event_id) as event_id,
    min(left(rejected.row, 400)) as example
from rejected
group by rejected.reason
order by n desc, rejected.reason asc
limit 50;

-- name: page_variants_of_night
-- Who is shown what on a night: the share of the users, the default's being what is left.
select
    variants.variant,
    night_variants.is_default,
    night_variants.is_served,
    (
        select coalesce(sum(upper(part) - lower(part)), 0) / 1000000.0
        from unnest(night_variants.places) as parts (part)
    )::float8 as share,
    night_variants.definition
from night_variants
inner join variants on night_variants.variant_key = variants.variant_key
where night_variants.night = %(night)s
order by night_variants.is_default desc, variants.variant asc;

-- name: page_variant_names
-- What lists were made by; every other name in the evaluations is a baseline's.
select variants.variant from variants;
