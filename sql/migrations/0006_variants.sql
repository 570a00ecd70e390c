-- Variants: what each ranks by, who is shown which, and how they compare.

-- A variant's model ranks for a variant only: another one, with another half-life.
alter table models drop constraint models_state_check;
alter table models add constraint models_state_check check (
    state in ('candidate', 'serving', 'kept', 'variant', 'retired')
);

-- One row a variant of the settings; the step embed_items makes them anew.
create table variant_models (
    variant text primary key,
    model_key smallint references models, -- null: whichever serves
    problem text -- why the default's lists stand in; null where they do not
);

-- One row a published night and variant of it: who was shown what.
create table night_variants (
    night date not null,
    variant_key smallint not null references variants,
    is_default boolean not null, -- shown to whoever lies on no other's places
    is_served boolean not null, -- else the default's lists stood in
    places int4multirange not null, -- where its users lie: see place_of
    salt text not null,
    definition jsonb not null, -- all that makes it differ, but for its share
    primary key (night, variant_key)
);

-- The same, before the gates have let it through.
create table draft_variants (like night_variants including all);

-- Where a user lies among 1,000,000 places: by the first 32 bits of a hash.
create function place_of(salt text, user_id text) returns integer
language sql immutable parallel safe
begin atomic
    select
        (
            (
                'x' || encode(
                    substring(sha256(convert_to(salt || ' ' || user_id, 'UTF8')) for 4), 'hex'
                )
            )::bit(32)::bigint * 1000000 >> 32
        )::integer;
end;

-- noqa: disable=RF01
-- The variant of a user, known or not, on a night, by default the latest one; null where nights
-- know of no variants.
create function variant_of(user_id text, night date default null) returns text
language sql stable parallel safe
begin atomic
    select variants.variant
    from night_variants
    inner join variants on night_variants.variant_key = variants.variant_key
    where
        night_variants.night = coalesce(
            variant_of.night, (select max(published_nights.night) from published_nights)
        )
        and (
            night_variants.is_default
            or night_variants.is_served
            and night_variants.places @> place_of(night_variants.salt, variant_of.user_id)
        )
    order by night_variants.is_default
    limit 1;
end;
-- noqa: enable=RF01

-- One row a day, user, target and segment, while there are two variants to compare: how good the
-- list was that the user was served. `night` is the day whose behaviour the list met.
create table experiment_user_days (
    night date not null,
    user_key integer not null references users,
    variant_key smallint not null references variants,
    target text not null,
    segment text not null, -- the user's (cold, light, warm) or the items' (new_items, known_items)
    ndcg real,
    recall real,
    hit_rate real,
    mrr real,
    novelty real,
    diversity real,
    primary key (night, user_key, target, segment)
);

-- The experiments that run: a variant, the default that it is held against, and the first night
-- since which both, and the salt, have been what they are.
create view running_experiments as
select
    newest.variant_key,
    newest.against_key,
    min(published_nights.night) as since
from (
    select
        shown.variant_key,
        shown.definition,
        shown.salt,
        standard.variant_key as against_key,
        standard.definition as against_definition
    from night_variants as shown
    inner join night_variants as standard on shown.night = standard.night
    where
        shown.night = (select max(night_variants.night) from night_variants)
        and not shown.is_default
        and standard.is_default
) as newest
cross join published_nights
where
    published_nights.night > coalesce(
        (
            select max(earlier.night)
            from published_nights as earlier
            where
                not exists (
                    select
                    from night_variants as shown
                    inner join night_variants as standard on shown.night = standard.night
                    where
                        shown.night = earlier.night
                        and shown.variant_key = newest.variant_key
                        and shown.definition = newest.definition
                        and shown.salt = newest.salt
                        and not shown.is_default
                        and standard.variant_key = newest.against_key
                        and standard.definition = newest.against_definition
                        and standard.is_default
                )
        ),
        '-infinity'
    )
group by newest.variant_key, newest.against_key;

-- One row an experiment, target, segment and metric: sums over its user-days, as of the newest day.
-- A night counts alike in both arms: a user-day weighs n_other / (n_own + n_other), after the
-- numbers of user-days that night in its own arm and in the other one (Mantel and Haenszel).
create table experiment_sums (
    variant_key smallint not null references variants,
    against_key smallint not null references variants,
    since date not null, -- the first night
    until date not null, -- the last day whose behaviour counts
    target text not null,
    segment text not null,
    metric text not null,
    k smallint not null,
    nights integer not null,
    n integer not null, -- user-days of the variant
    n_against integer not null,
    n_users integer not null, -- of the variant
    n_users_against integer not null,
    value double precision not null, -- weighted mean over user-days of the variant
    against_value double precision not null,
    variance double precision, -- of the difference; null where an arm has one user
    primary key (variant_key, against_key, since, target, segment, metric, k)
);

-- An A/B test is a query of this: how much better a variant is than the default, with the 95%
-- interval of a ratio of sums over users (the delta method): users are independent, a user's days
-- are not.
create view experiments as
select
    variants.variant,
    standards.variant as against,
    sums.target,
    sums.segment,
    sums.metric,
    sums.k,
    sums.nights,
    sums.n,
    sums.n_against,
    sums.value,
    sums.against_value,
    sums.value - sums.against_value as difference,
    sums.value - sums.against_value - 1.959964 * sqrt(sums.variance) as ci_low,
    sums.value - sums.against_value + 1.959964 * sqrt(sums.variance) as ci_high,
    coalesce(
        abs(sums.value - sums.against_value) > 1.959964 * sqrt(sums.variance), false
    ) as is_beyond_noise,
    sums.since,
    sums.until
from (
    select distinct on (
        experiment_sums.variant_key,
        experiment_sums.against_key,
        experiment_sums.target,
        experiment_sums.segment,
        experiment_sums.metric,
        experiment_sums.k
    ) experiment_sums.*
    from experiment_sums
    order by
        experiment_sums.variant_key asc,
        experiment_sums.against_key asc,
        experiment_sums.target asc,
        experiment_sums.segment asc,
        experiment_sums.metric asc,
        experiment_sums.k asc,
        experiment_sums.since desc
) as sums
inner join variants on sums.variant_key = variants.variant_key
inner join variants as standards on sums.against_key = standards.variant_key;

-- noqa: disable=RF01
-- How many nights it takes to see a difference with 80% power at the 95% level, by the variance
-- seen so far, which falls as 1 / nights: 2.801585 standard errors. Of each variant that was
-- compared; and, `variant` null, of one that would be shown to a `share` of the users, by the
-- intervals of what everybody was shown in the last 28 nights.
create function nights_to_see(
    difference double precision,
    metric text default 'ndcg',
    k integer default 10,
    share double precision default 0.5
) returns table (variant text, against text, target text, nights integer)
language sql stable parallel safe
begin atomic
    select
        seen.variant,
        seen.against,
        seen.target,
        case
            when nights_to_see.difference != 0
                then
                    least(
                        greatest(
                            ceil(seen.variance * (2.801585 / nights_to_see.difference) ^ 2), 1
                        ),
                        1e9
                    )::integer
        end as nights
    from (
        select
            experiments.variant,
            experiments.against,
            experiments.target,
            experiments.nights
            * ((experiments.ci_high - experiments.ci_low) / (2 * 1.959964)) ^ 2 as variance
        from experiments
        where
            experiments.metric = nights_to_see.metric
            and experiments.k = nights_to_see.k
            and experiments.segment = 'all'
        union all
        select
            null,
            evaluations.variant,
            evaluations.target,
            avg(((evaluations.ci_high - evaluations.ci_low) / (2 * 1.959964)) ^ 2)
            / (nights_to_see.share * (1 - nights_to_see.share))
        from evaluations
        where
            evaluations.metric = nights_to_see.metric
            and evaluations.k = nights_to_see.k
            and evaluations.segment = 'all'
            and evaluations.night > (select max(newest.night) - 28 from evaluations as newest)
            and evaluations.variant = (
                select variants.variant
                from night_variants
                inner join variants on night_variants.variant_key = variants.variant_key
                where night_variants.is_default
                order by night_variants.night desc
                limit 1
            )
        group by evaluations.variant, evaluations.target
    ) as seen
    where seen.variance > 0
    order by seen.target desc, seen.variant asc nulls last;
end;
-- noqa: enable=RF01
