-- A night does not make far fewer lists than the night before it did.
select
    'night '
    || drafted.night
    || ' has '
    || drafted.n_lists
    || ' lists, night '
    || earlier.night
    || ' had '
    || earlier.n_lists || ' (RECSYS_ENOUGH_USERS)' as finding
from (
    select
        draft_nights.night,
        count(draft_lists.user_key) as n_lists
    from draft_nights
    left join draft_lists on draft_nights.night = draft_lists.night
    where draft_nights.night = any(%(nights)s::date[])
    group by draft_nights.night
) as drafted
cross join
    lateral (
        select
            published_nights.night,
            published_nights.n_lists
        from published_nights
        where published_nights.night < drafted.night
        order by published_nights.night desc
        limit 1
    ) as earlier
where drafted.n_lists < %(enough_users)s * earlier.n_lists;
