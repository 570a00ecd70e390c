-- name: delete_variant_models!
delete from variant_models;

-- name: insert_variant_model!
insert into variant_models (variant, model_key, problem)
values (%(variant)s, %(model_key)s, %(problem)s);

-- name: variant_models
select
    variant_models.variant,
    variant_models.model_key,
    variant_models.problem
from variant_models;

-- name: models_of_variants
-- Those that rank for variants beside the one that serves.
select distinct
    models.model_key,
    models.model_id,
    models.kind,
    models.encoder_id,
    models.dim
from variant_models
inner join models on variant_models.model_key = models.model_key
where variant_models.model_key != %(model_key)s
order by models.model_key;

-- name: zero_shot_beside
-- The zero-shot model over the vectors of another one.
select
    models.model_key,
    models.model_id,
    models.kind,
    models.encoder_id,
    models.dim
from models
inner join models as beside on models.encoder_id = beside.encoder_id and models.dim = beside.dim
where
    beside.model_key = %(model_key)s
    and models.kind = 'zero-shot'
    and models.state in ('serving', 'kept');

-- name: keep_variant_model!
-- A model made out of another one, whose second stage it has; where it was made before, the rest of
-- it is as it was.
with known as (
    update models
    set
        state = 'variant',
        reranker = source.reranker,
        reranker_sha256 = source.reranker_sha256
    from models as source
    where
        models.model_id = %(model_id)s
        and source.model_key = %(source)s
        and (
            models.state in ('candidate', 'retired')
            or models.state = 'variant'
            and models.reranker_sha256 is distinct from source.reranker_sha256
        )
)

insert into models (
    model_id, kind, state, encoder_id, dim, parameters, artifact, artifact_sha256, reranker,
    reranker_sha256, seed, trained_until, trained_on
)
select
    %(model_id)s,
    source.kind,
    'variant',
    source.encoder_id,
    source.dim,
    coalesce(%(parameters)s::jsonb, source.parameters),
    %(artifact)s,
    %(artifact_sha256)s,
    source.reranker,
    source.reranker_sha256,
    source.seed,
    source.trained_until,
    source.trained_on
from models as source
where
    source.model_key = %(source)s
    and not exists (
        select
        from models
        where models.model_id = %(model_id)s
    );

-- name: retire_stray_variant_models!
-- Of variants that are no more.
update models
set state = 'retired'
where
    state = 'variant'
    and model_key not in (
        select variant_models.model_key
        from variant_models
        where variant_models.model_key is not null
    );

-- name: places_before
-- The places that variants had on the newest night.
select
    variants.variant,
    lower(spans.span) as since,
    upper(spans.span) as until
from night_variants
inner join variants on night_variants.variant_key = variants.variant_key
cross join lateral unnest(night_variants.places) as spans (span)
where night_variants.night = (select max(newest.night) from night_variants as newest)
order by since;

-- name: delete_draft_variants!
delete from draft_variants
where night = %(night)s;

-- name: insert_draft_variant!
insert into draft_variants (
    night, variant_key, is_default, is_served, places, salt, definition
)
values (
    %(night)s,
    %(variant_key)s,
    %(is_default)s,
    %(is_served)s,
    %(places)s::int4multirange,
    %(salt)s,
    %(definition)s::jsonb
);

-- name: drafted_variants
-- The variants of some users, by the draft of a night.
copy (
    select
        users.user_key,
        coalesce(shown.variant_key, standard.variant_key)
    from named_users as users
    inner join draft_variants as standard
        on standard.night = %(night)s and standard.is_default
    left join draft_variants as shown
        on
            standard.night = shown.night
            and shown.is_served
            and shown.places @> place_of(shown.salt, users.user_id)
    where users.user_key = any(%(user_keys)s)
    order by users.user_key
) to stdout with (format "binary");

-- name: publish_variants!
with earlier as (
    delete from night_variants
    where
        night = %(night)s
        and variant_key not in (
            select draft_variants.variant_key
            from draft_variants
            where draft_variants.night = %(night)s
        )
),

published as (
    delete from draft_variants
    where night = %(night)s
    returning *
)

insert into night_variants (
    night, variant_key, is_default, is_served, places, salt, definition
)
select
    published.night,
    published.variant_key,
    published.is_default,
    published.is_served,
    published.places,
    published.salt,
    published.definition
from published
on conflict (night, variant_key) do update
    set
        is_default = excluded.is_default,
        is_served = excluded.is_served,
        places = excluded.places,
        salt = excluded.salt,
        definition = excluded.definition;

-- name: deltas_of_users_until
-- All deltas of some users until a night.
copy (
    select
        daily_interests.user_key,
        daily_interests.day,
        daily_interests.mass,
        daily_interests.total
    from daily_interests
    where
        daily_interests.model_key = %(model_key)s
        and daily_interests.day <= %(night)s
        and daily_interests.user_key = any(%(user_keys)s)
    order by daily_interests.user_key, daily_interests.day, daily_interests.half_life
) to stdout with (format "binary");

-- name: is_experiment
-- Whether a night showed more than one variant.
select count(*) > 1
from night_variants
where night_variants.night = %(night)s and night_variants.is_served;

-- name: delete_user_days!
delete from experiment_user_days
where night = %(night)s;

-- name: copy_user_days!
copy experiment_user_days (
    night,
    user_key,
    variant_key,
    target,
    segment,
    ndcg,
    recall,
    hit_rate,
    mrr,
    novelty,
    diversity
) from stdin with (format "csv");

-- name: delete_old_user_days!
-- Of experiments that are over, whose sums stay.
delete from experiment_user_days
where
    experiment_user_days.night
    <= coalesce((select min(running_experiments.since) from running_experiments), 'infinity');

-- name: pool_experiments!
-- Metrics stay side by side until there is one row a user: unpivoted sooner, it takes six times as
-- long.
with seen as (
    select
        running_experiments.variant_key,
        running_experiments.against_key,
        running_experiments.since,
        days.variant_key = running_experiments.variant_key as is_own,
        days.night,
        days.user_key,
        days.target,
        segments.segment,
        days.ndcg::float8 as ndcg,
        days.recall::float8 as recall,
        days.hit_rate::float8 as hit_rate,
        days.mrr::float8 as mrr,
        days.novelty::float8 as novelty,
        days.diversity::float8 as diversity
    from running_experiments
    inner join experiment_user_days as days
        on
            running_experiments.since < days.night
            and days.variant_key in (
                running_experiments.variant_key, running_experiments.against_key
            )
    cross join
        lateral (
            values
            (days.segment),
            (case when days.segment in ('cold', 'light', 'warm') then 'all' end)
        ) as segments (segment)
    where segments.segment is not null
),

-- Nights on which both arms had somebody.
arms as (
    select
        seen.variant_key,
        seen.against_key,
        seen.since,
        seen.target,
        seen.segment,
        seen.night,
        count(*) filter (where seen.is_own)::float8 / count(*) as own_share
    from seen
    group by
        seen.variant_key,
        seen.against_key,
        seen.since,
        seen.target,
        seen.segment,
        seen.night
    having bool_or(seen.is_own) and not bool_and(seen.is_own)
),

weighed as (
    select
        seen.*,
        case when seen.is_own then 1 - arms.own_share else arms.own_share end as weight
    from seen
    inner join arms
        on
            seen.variant_key = arms.variant_key
            and seen.against_key = arms.against_key
            and seen.target = arms.target
            and seen.segment = arms.segment
            and seen.night = arms.night
),

wide as (
    select
        weighed.variant_key,
        weighed.against_key,
        weighed.since,
        weighed.target,
        weighed.segment,
        weighed.is_own,
        weighed.user_key,
        count(weighed.ndcg)::integer as n_ndcg,
        sum(weighed.weight) filter (where weighed.ndcg is not null) as weight_ndcg,
        sum(weighed.weight * weighed.ndcg) as total_ndcg,
        count(weighed.recall)::integer as n_recall,
        sum(weighed.weight) filter (where weighed.recall is not null) as weight_recall,
        sum(weighed.weight * weighed.recall) as total_recall,
        count(weighed.hit_rate)::integer as n_hit_rate,
        sum(weighed.weight) filter (where weighed.hit_rate is not null) as weight_hit_rate,
        sum(weighed.weight * weighed.hit_rate) as total_hit_rate,
        count(weighed.mrr)::integer as n_mrr,
        sum(weighed.weight) filter (where weighed.mrr is not null) as weight_mrr,
        sum(weighed.weight * weighed.mrr) as total_mrr,
        count(weighed.novelty)::integer as n_novelty,
        sum(weighed.weight) filter (where weighed.novelty is not null) as weight_novelty,
        sum(weighed.weight * weighed.novelty) as total_novelty,
        count(weighed.diversity)::integer as n_diversity,
        sum(weighed.weight) filter (where weighed.diversity is not null) as weight_diversity,
        sum(weighed.weight * weighed.diversity) as total_diversity
    from weighed
    group by
        weighed.variant_key,
        weighed.against_key,
        weighed.since,
        weighed.target,
        weighed.segment,
        weighed.is_own,
        weighed.user_key
),

of_users as (
    select
        wide.variant_key,
        wide.against_key,
        wide.since,
        wide.target,
        wide.segment,
        wide.is_own,
        metrics.metric,
        metrics.n_days,
        metrics.n,
        metrics.total
    from wide
    cross join
        lateral (
            values
            ('ndcg', wide.n_ndcg, wide.weight_ndcg, wide.total_ndcg),
            ('recall', wide.n_recall, wide.weight_recall, wide.total_recall),
            ('hit_rate', wide.n_hit_rate, wide.weight_hit_rate, wide.total_hit_rate),
            ('mrr', wide.n_mrr, wide.weight_mrr, wide.total_mrr),
            ('novelty', wide.n_novelty, wide.weight_novelty, wide.total_novelty),
            ('diversity', wide.n_diversity, wide.weight_diversity, wide.total_diversity)
        ) as metrics (metric, n_days, n, total)
    where metrics.n_days > 0
),

of_arms as (
    select
        of_users.variant_key,
        of_users.against_key,
        of_users.since,
        of_users.target,
        of_users.segment,
        of_users.metric,
        of_users.is_own,
        sum(of_users.n_days)::integer as n_days,
        count(*)::integer as n_users,
        sum(of_users.total) / sum(of_users.n) as value,
        (
            sum(of_users.total ^ 2)
            - 2 * sum(of_users.total) / sum(of_users.n) * sum(of_users.total * of_users.n)
            + (sum(of_users.total) / sum(of_users.n)) ^ 2 * sum(of_users.n ^ 2)
        )
        / sum(of_users.n) ^ 2
        * count(*) / nullif(count(*) - 1, 0) as variance
    from of_users
    group by
        of_users.variant_key,
        of_users.against_key,
        of_users.since,
        of_users.target,
        of_users.segment,
        of_users.metric,
        of_users.is_own
),

nights as (
    select
        arms.variant_key,
        arms.against_key,
        arms.since,
        arms.target,
        arms.segment,
        count(*)::integer as n,
        max(arms.night) as until
    from arms
    group by
        arms.variant_key,
        arms.against_key,
        arms.since,
        arms.target,
        arms.segment
),

earlier as (
    delete from experiment_sums
    using running_experiments
    where
        experiment_sums.variant_key = running_experiments.variant_key
        and experiment_sums.against_key = running_experiments.against_key
        and experiment_sums.since = running_experiments.since
        and not exists (
            select
            from nights
            where
                nights.variant_key = experiment_sums.variant_key
                and nights.against_key = experiment_sums.against_key
                and nights.target = experiment_sums.target
                and nights.segment = experiment_sums.segment
        )
)

insert into experiment_sums (
    variant_key,
    against_key,
    since,
    until,
    target,
    segment,
    metric,
    k,
    nights,
    n,
    n_against,
    n_users,
    n_users_against,
    value,
    against_value,
    variance
)
select
    own.variant_key,
    own.against_key,
    own.since,
    nights.until,
    own.target,
    own.segment,
    own.metric,
    10 as k,
    nights.n,
    own.n_days,
    other.n_days as n_days_against,
    own.n_users,
    other.n_users as n_users_against,
    own.value,
    other.value as against_value,
    -- What rounding leaves of nothing may lie below it.
    case
        when own.variance + other.variance < 0 then 0
        else own.variance + other.variance
    end as variance
from of_arms as own
inner join of_arms as other
    on
        own.variant_key = other.variant_key
        and own.against_key = other.against_key
        and own.target = other.target
        and own.segment = other.segment
        and own.metric = other.metric
inner join nights
    on
        own.variant_key = nights.variant_key
        and own.against_key = nights.against_key
        and own.target = nights.target
        and own.segment = nights.segment
where own.is_own and not other.is_own
on conflict (variant_key, against_key, since, target, segment, metric, k) do update
    set
        until = excluded.until,
        nights = excluded.nights,
        n = excluded.n,
        n_against = excluded.n_against,
        n_users = excluded.n_users,
        n_users_against = excluded.n_users_against,
        value = excluded.value,
        against_value = excluded.against_value,
        variance = excluded.variance;

-- name: experiments
select
    experiments.variant,
    experiments.against,
    experiments.target,
    experiments.nights,
    experiments.n,
    experiments.n_against,
    experiments.value,
    experiments.against_value,
    experiments.difference,
    experiments.ci_low,
    experiments.ci_high,
    experiments.is_beyond_noise,
    experiments.since,
    experiments.until
from experiments
where
    experiments.segment = %(segment)s
    and experiments.metric = %(metric)s
    and experiments.k = %(k)s
order by experiments.target desc, experiments.variant asc;

-- name: nights_to_see
select
    seen.variant,
    seen.against,
    seen.target,
    seen.nights
from nights_to_see(%(difference)s, %(metric)s, %(k)s) as seen;
