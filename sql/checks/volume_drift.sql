-- A day brings about as many interactions, of each type and in each hour, as the same weekday did
-- in the four weeks before it, of which two have to be there. A hundred are added to both sides, so
-- that small numbers, and quiet sites, are left alone. Only of days that are over.
with days as (
    select
        draft_nights.night,
        interaction_days.day,
        interaction_days.day = draft_nights.night as is_own
    from draft_nights
    inner join interaction_days
        on
            draft_nights.night - interaction_days.day in (0, 7, 14, 21, 28)
            and (interaction_days.n_interactions > 0 or draft_nights.night = interaction_days.day)
    where
        draft_nights.night = any(%(nights)s::date[])
        and exists (
            select
            from interaction_days as own
            where own.day = draft_nights.night and own.is_over
        )
),

weeks as (
    select
        days.night,
        count(*) filter (where not days.is_own) as n_weeks
    from days
    group by days.night
    having count(*) filter (where not days.is_own) >= 2
),

counted as (
    select
        days.night,
        days.is_own,
        interactions.event_type_key,
        date_trunc('hour', interactions.occurred_at at time zone 'UTC')::time as hour,
        count(*) as n
    from days
    inner join weeks on days.night = weeks.night
    inner join interactions on days.day = interactions.day
    group by days.night, days.is_own, interactions.event_type_key, hour
),

told as (
    select
        counted.night,
        counted.is_own,
        kinds.kind,
        counted.n
    from counted
    inner join event_types on counted.event_type_key = event_types.event_type_key
    cross join
        lateral (
            values
            ('of type ' || event_types.event_type),
            ('in the hour from ' || to_char(counted.hour, 'HH24:MI'))
        ) as kinds (kind)
),

compared as (
    select
        told.night,
        told.kind,
        coalesce(sum(told.n) filter (where told.is_own), 0) as n,
        coalesce(sum(told.n) filter (where not told.is_own), 0) / weeks.n_weeks as usual
    from told
    inner join weeks on told.night = weeks.night
    group by told.night, told.kind, weeks.n_weeks
)

select
    'day ' || compared.night || ' has ' || compared.n || ' interactions ' || compared.kind
    || ', the same weekday had ' || round(compared.usual)
    || ' (RECSYS_VOLUME_DRIFT)' as finding
from compared
where
    compared.n + 100 > %(volume_drift)s * (compared.usual + 100)
    or compared.usual + 100 > %(volume_drift)s * (compared.n + 100)
order by abs(ln((compared.n + 100) / (compared.usual + 100))) desc, compared.kind asc
limit 5;
