-- name: pending_sizes
-- Users to fold, with the number of deltas that it takes.
-- Whose deltas all come after the stored total are extended from it; the others are folded anew.
select
    pending_merges.user_key,
    count(daily_interests.user_key) as n_deltas
from pending_merges
left join lateral (
    select max(interest_totals.as_of) as as_of
    from interest_totals
    where
        interest_totals.model_key = pending_merges.model_key
        and interest_totals.user_key = pending_merges.user_key
) as totals on true
left join daily_interests
    on
        pending_merges.model_key = daily_interests.model_key
        and pending_merges.user_key = daily_interests.user_key
        and daily_interests.half_life = %(half_life)s::real
        and (
            pending_merges.day <= totals.as_of
            or daily_interests.day > coalesce(totals.as_of, '-infinity')
        )
where pending_merges.model_key = %(model_key)s
group by pending_merges.user_key
order by pending_merges.user_key;

-- name: totals_to_extend
copy (
    select
        interest_totals.user_key,
        interest_totals.as_of,
        interest_totals.mass,
        interest_totals.alpha,
        interest_totals.total
    from interest_totals
    inner join pending_merges
        on
            interest_totals.model_key = pending_merges.model_key
            and interest_totals.user_key = pending_merges.user_key
    where
        interest_totals.model_key = %(model_key)s
        and interest_totals.as_of < pending_merges.day
        and interest_totals.user_key between %(first)s and %(last)s
    order by interest_totals.user_key, interest_totals.half_life
) to stdout with (format "binary");

-- name: deltas_to_fold
copy (
    select
        daily_interests.user_key,
        daily_interests.day,
        daily_interests.mass,
        daily_interests.total
    from daily_interests
    inner join pending_merges
        on
            daily_interests.model_key = pending_merges.model_key
            and daily_interests.user_key = pending_merges.user_key
    left join lateral (
        select max(interest_totals.as_of) as as_of
        from interest_totals
        where
            interest_totals.model_key = pending_merges.model_key
            and interest_totals.user_key = pending_merges.user_key
    ) as totals on true
    where
        daily_interests.model_key = %(model_key)s
        and daily_interests.user_key between %(first)s and %(last)s
        and (
            totals.as_of >= pending_merges.day
            or daily_interests.day > coalesce(totals.as_of, '-infinity')
        )
    order by daily_interests.user_key, daily_interests.day, daily_interests.half_life
) to stdout with (format "binary");

-- name: delete_pending_totals!
delete from interest_totals
using pending_merges
where
    interest_totals.model_key = %(model_key)s
    and interest_totals.model_key = pending_merges.model_key
    and interest_totals.user_key = pending_merges.user_key
    and interest_totals.user_key between %(first)s and %(last)s;

-- name: copy_interest_totals!
copy interest_totals (model_key, user_key, half_life, as_of, mass, alpha, total) from stdin with (
    format "binary"
);

-- name: delete_outdated_interests!
-- What was shown of the users from the day of the change on.
delete from interests
using pending_merges
where
    interests.model_key = %(model_key)s
    and interests.model_key = pending_merges.model_key
    and interests.user_key = pending_merges.user_key
    and interests.night >= pending_merges.day
    and interests.user_key between %(first)s and %(last)s;

-- name: delete_pending!
delete from pending_merges
where model_key = %(model_key)s and user_key between %(first)s and %(last)s;

-- name: totals_until
-- The totals of users who did nothing after a night; of all such users without `user_keys`.
copy (
    select
        interest_totals.user_key,
        interest_totals.as_of,
        interest_totals.mass,
        interest_totals.alpha,
        interest_totals.total
    from interest_totals
    where
        interest_totals.model_key = %(model_key)s
        and interest_totals.as_of <= %(night)s
        and interest_totals.user_key between %(first)s and %(last)s
        and (
            %(user_keys)s::integer[] is null
            or interest_totals.user_key = any(%(user_keys)s::integer[])
        )
    order by interest_totals.user_key, interest_totals.half_life
) to stdout with (format "binary");

-- name: deltas_until
-- The deltas until a night of users who did something after it, whose totals cannot be looked back
-- from.
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
        and daily_interests.user_key in (
            select interest_totals.user_key
            from interest_totals
            where
                interest_totals.model_key = %(model_key)s
                and interest_totals.as_of > %(night)s
                and interest_totals.user_key between %(first)s and %(last)s
                and (
                    %(user_keys)s::integer[] is null
                    or interest_totals.user_key = any(%(user_keys)s::integer[])
                )
        )
    order by daily_interests.user_key, daily_interests.day, daily_interests.half_life
) to stdout with (format "binary");

-- name: masses_until
-- Of totals_until, the evidence alone, at one half-life.
copy (
    select
        interest_totals.user_key,
        interest_totals.as_of,
        interest_totals.mass
    from interest_totals
    where
        interest_totals.model_key = %(model_key)s
        and interest_totals.half_life = %(half_life)s::real
        and interest_totals.as_of <= %(night)s
    order by interest_totals.user_key
) to stdout with (format "binary");

-- name: mass_deltas_until
-- Of deltas_until, the evidence alone, at one half-life.
copy (
    select
        daily_interests.user_key,
        daily_interests.day,
        daily_interests.mass
    from daily_interests
    where
        daily_interests.model_key = %(model_key)s
        and daily_interests.half_life = %(half_life)s::real
        and daily_interests.day <= %(night)s
        and daily_interests.user_key in (
            select interest_totals.user_key
            from interest_totals
            where
                interest_totals.model_key = %(model_key)s
                and interest_totals.as_of > %(night)s
        )
    order by daily_interests.user_key, daily_interests.day
) to stdout with (format "binary");
