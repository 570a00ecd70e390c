-- The source goes on: its newest event is not much older than the end of the day, nor older than
-- the longest pause of the ninety days before, so that places where little happens are left alone.
with seen as (
    select
        draft_nights.night,
        interaction_days.day,
        interaction_days.day - lag(interaction_days.day) over (
            partition by draft_nights.night
            order by interaction_days.day
        ) as pause
    from draft_nights
    inner join interaction_days
        on
            draft_nights.night >= interaction_days.day
            and draft_nights.night < interaction_days.day + 90
            and interaction_days.n_interactions > 0
    where
        draft_nights.night = any(%(nights)s::date[])
        and exists (
            select
            from interaction_days as own
            where own.day = draft_nights.night and own.is_over
        )
),

newest as (
    select
        seen.night,
        max(seen.day) as day,
        coalesce(max(seen.pause), 1) as longest_pause
    from seen
    group by seen.night
),

aged as (
    select
        newest.night,
        newest.night - newest.day as days_without,
        newest.longest_pause,
        (
            extract(
                epoch from
                (newest.night + 1)::timestamp at time zone 'UTC' - max(interactions.occurred_at)
            )
            / 3600
        )::integer as hours
    from newest
    inner join interactions on newest.day = interactions.day
    group by newest.night, newest.day, newest.longest_pause
)

select
    'the newest event is ' || aged.hours || ' hours older than the end of ' || aged.night
    || ' (RECSYS_STALE_HOURS)' as finding
from aged
where aged.hours > %(stale_hours)s and aged.days_without >= aged.longest_pause;
