-- What is released with noise, and the account of it.

-- name: unreleased_days
-- Days that are over whose counts in the tables are no release of a configuration, oldest first.
select interaction_days.day
from interaction_days
where
    interaction_days.is_over
    and not exists (
        select
        from noise_releases
        where
            noise_releases.mechanism = 'trends'
            and noise_releases.day = interaction_days.day
            and noise_releases.configuration = %(configuration)s
            and noise_releases.is_current
    )
order by interaction_days.day;

-- name: exact_days
-- Days that go on and have counts without noise.
select interaction_days.day
from interaction_days
where not interaction_days.is_over and interaction_days.trends_fingerprint is not null
order by interaction_days.day;

-- name: public_items
-- The catalogue, whoever took to what of it, in the order of ids; the day since which an item
-- exists, -infinity where that is not known.
select
    items.item_key,
    items.item_id,
    coalesce((items.created_at at time zone 'UTC')::date - date '1970-01-01', -2147483648)
from items
where items.is_listed
order by items.item_id collate "C";

-- name: withdraw_releases!
-- The tables are about to hold something else of some days.
update noise_releases
set is_current = false
where
    mechanism = %(mechanism)s
    and day = any(%(days)s::date[])
    and is_current;

-- name: upsert_release!
-- The same counts with the same noise are the same release: it costs nothing to tell it again.
insert into noise_releases (
    mechanism, day, configuration, content, epsilon, delta, sensitivity, scale, key_id, is_current
)
values (
    %(mechanism)s,
    %(day)s,
    %(configuration)s,
    %(content)s,
    %(epsilon)s,
    %(delta)s,
    %(sensitivity)s,
    %(scale)s,
    %(key_id)s,
    true
)
on conflict (mechanism, day, configuration, content) do update
    set is_current = true;

-- name: mark_trends_released!
-- Differs from what counts without noise are marked with: they are made anew where noise is wanted
-- no more.
update interaction_days
set trends_fingerprint = 'released ' || %(configuration)s
where day = any(%(days)s::date[]);

-- name: forget_trends!
update interaction_days
set trends_fingerprint = null
where day = any(%(days)s::date[]);

-- name: expire_releases!
-- Their counts are kept no more; that they were told stays.
update noise_releases
set is_current = false
where day < %(oldest)s and mechanism = 'trends' and is_current;

-- name: unreleased_nights
-- The day, the day before and the day after, where they are over and their evaluations are no
-- release of a configuration. A night that runs before its day is over leaves it to the next one.
select interaction_days.day
from interaction_days
where
    interaction_days.is_over
    and interaction_days.day between %(day)s::date - 1 and %(day)s::date + 1
    and not exists (
        select
        from noise_releases
        where
            noise_releases.mechanism = 'evaluations'
            and noise_releases.day = interaction_days.day
            and noise_releases.configuration = %(configuration)s
            and noise_releases.is_current
    )
order by interaction_days.day;

-- name: spent_by_mechanism
-- The most that the releases of one day add up to.
select
    days.mechanism,
    count(*)::integer as n_days,
    sum(days.n_releases)::integer as n_releases,
    max(days.epsilon) as epsilon,
    max(days.delta) as delta
from (
    select
        noise_releases.mechanism,
        noise_releases.day,
        count(*) as n_releases,
        sum(noise_releases.epsilon) as epsilon,
        sum(noise_releases.delta) as delta
    from noise_releases
    group by noise_releases.mechanism, noise_releases.day
) as days
group by days.mechanism
order by days.mechanism;

-- name: spent_on_evaluations
select noise_releases.epsilon
from noise_releases
where noise_releases.mechanism = 'evaluations'
order by noise_releases.day, noise_releases.configuration, noise_releases.content;

-- name: spent_on_models
-- How far one user moves what was told, in units of its noise.
select noise_releases.sensitivity / noise_releases.scale
from noise_releases
where noise_releases.mechanism = 'models'
order by noise_releases.day, noise_releases.configuration, noise_releases.content;

-- name: newest_releases
select
    noise_releases.day,
    noise_releases.mechanism,
    noise_releases.epsilon,
    noise_releases.delta,
    noise_releases.sensitivity,
    noise_releases.scale,
    noise_releases.configuration,
    noise_releases.key_id
from noise_releases
order by
    noise_releases.day desc,
    noise_releases.mechanism asc,
    noise_releases.configuration asc,
    noise_releases.content asc
limit %(n)s;

-- name: told_exactly
-- Days with counts, nights with figures, and comparisons of experiments, that are no release.
select
    (
        select count(*)
        from interaction_days
        where
            interaction_days.day in (select daily_trends.day from daily_trends)
            and not exists (
                select
                from noise_releases
                where
                    noise_releases.mechanism = 'trends'
                    and noise_releases.day = interaction_days.day
                    and noise_releases.is_current
            )
    )::integer as n_days,
    (
        select count(distinct evaluations.night)
        from evaluations
        where
            not exists (
                select
                from noise_releases
                where
                    noise_releases.mechanism = 'evaluations'
                    and noise_releases.day = evaluations.night
                    and noise_releases.is_current
            )
    )::integer as n_nights,
    (select count(*) from experiment_sums)::integer as n_compared;

-- name: models_that_learned
select models.model_id
from models
where
    models.kind != 'zero-shot'
    and models.state != 'retired'
    and models.trained_on -> 'epsilon' is null
order by models.model_key;

-- name: noise_of_days
-- The scale of the noise in the counts of days, oldest first.
select
    noise_releases.day,
    noise_releases.scale
from noise_releases
where
    noise_releases.mechanism = 'trends'
    and noise_releases.is_current
    and noise_releases.day <= %(night)s
    and noise_releases.day > %(since)s
order by noise_releases.day;
