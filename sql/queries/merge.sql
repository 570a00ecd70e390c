-- name: create_folds!
-- Users to fold, and after which day: those whose deltas all come after the stored total are
-- extended from it; the others are folded anew, from before their first day.
create temporary table folds on commit drop as
select
    pending_merges.user_key,
    pending_merges.day,
    totals.as_of is not null as has_total,
    case when pending_merges.day > totals.as_of then totals.as_of else '-infinity' end as after_day
from pending_merges
left join lateral (
    select interest_totals.as_of
    from interest_totals
    where
        interest_totals.model_key = pending_merges.model_key
        and interest_totals.user_key = pending_merges.user_key
    order by interest_totals.half_life
    limit 1
) as totals on true
where pending_merges.model_key = %(model_key)s
order by pending_merges.user_key;

-- The order in which they are read.
alter table folds add primary key (user_key);
analyze folds;

-- name: fold_sizes
-- The users of folds, and how many deltas it takes. A subquery asks the key for each user's.
select
    folds.user_key,
    (
        select count(*)
        from daily_interests
        where
            daily_interests.user_key = folds.user_key
            and daily_interests.model_key = %(model_key)s
            and daily_interests.day > folds.after_day
            and daily_interests.half_life = %(half_life)s::real
    ) as n_deltas
from folds
order by folds.user_key;

-- name: totals_to_extend
copy (
    select
        interest_totals.user_key,
        interest_totals.as_of,
        interest_totals.mass,
        interest_totals.alpha,
        interest_totals.total
    from interest_totals
    inner join folds on interest_totals.user_key = folds.user_key
    where
        interest_totals.model_key = %(model_key)s
        and folds.after_day > '-infinity'
        and folds.user_key between %(first)s and %(last)s
    order by interest_totals.user_key, interest_totals.half_life
) to stdout with (format "binary");

-- name: deltas_to_fold
copy (
    select
        folds.user_key,
        deltas.day,
        deltas.mass,
        deltas.total
    from folds
    cross join
        lateral (
            select
                daily_interests.day,
                daily_interests.half_life,
                daily_interests.mass,
                daily_interests.total
            from daily_interests
            where
                daily_interests.user_key = folds.user_key
                and daily_interests.model_key = %(model_key)s
                and daily_interests.day > folds.after_day
            order by daily_interests.day, daily_interests.half_life
        ) as deltas
    where folds.user_key between %(first)s and %(last)s
    order by folds.user_key, deltas.day, deltas.half_life
) to stdout with (format "binary");

-- name: delete_pending_totals!
delete from interest_totals
using folds
where
    interest_totals.model_key = %(model_key)s
    and interest_totals.user_key = folds.user_key
    and folds.has_total
    and folds.user_key between %(first)s and %(last)s;

-- name: copy_interest_totals!
copy interest_totals (model_key, user_key, half_life, as_of, mass, alpha, total) from stdin with (
    format "binary"
);

-- name: delete_outdated_interests!
-- What was shown of the users from the day of the change on.
delete from interests
using folds
where
    interests.model_key = %(model_key)s
    and interests.user_key = folds.user_key
    and interests.night >= folds.day
    and folds.user_key between %(first)s and %(last)s;

-- name: delete_pending!
delete from pending_merges
where model_key = %(model_key)s and user_key between %(first)s and %(last)s;

-- name: drop_folds!
drop table folds;

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
-- from. In the newest night that is nobody, and then no delta is read: user by user, since Postgres
-- cannot know it.
copy (
    select
        later.user_key,
        deltas.day,
        deltas.mass,
        deltas.total
    from (
        select distinct interest_totals.user_key
        from interest_totals
        where
            interest_totals.model_key = %(model_key)s
            and interest_totals.as_of > %(night)s
            and interest_totals.user_key between %(first)s and %(last)s
            and (
                %(user_keys)s::integer[] is null
                or interest_totals.user_key = any(%(user_keys)s::integer[])
            )
    ) as later
    cross join
        lateral (
            select
                daily_interests.day,
                daily_interests.half_life,
                daily_interests.mass,
                daily_interests.total
            from daily_interests
            where
                daily_interests.user_key = later.user_key
                and daily_interests.model_key = %(model_key)s
                and daily_interests.day <= %(night)s
            order by daily_interests.day, daily_interests.half_life
        ) as deltas
    order by later.user_key, deltas.day, deltas.half_life
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
        and (
            %(user_keys)s::integer[] is null
            or interest_totals.user_key = any(%(user_keys)s::integer[])
        )
    order by interest_totals.user_key
) to stdout with (format "binary");

-- name: mass_deltas_until
-- Of deltas_until, the evidence alone, at one half-life.
copy (
    select
        later.user_key,
        deltas.day,
        deltas.mass
    from (
        select interest_totals.user_key
        from interest_totals
        where
            interest_totals.model_key = %(model_key)s
            and interest_totals.half_life = %(half_life)s::real
            and interest_totals.as_of > %(night)s
            and (
                %(user_keys)s::integer[] is null
                or interest_totals.user_key = any(%(user_keys)s::integer[])
            )
    ) as later
    cross join
        lateral (
            select
                daily_interests.day,
                daily_interests.mass
            from daily_interests
            where
                daily_interests.user_key = later.user_key
                and daily_interests.model_key = %(model_key)s
                and daily_interests.half_life = %(half_life)s::real
                and daily_interests.day <= %(night)s
            order by daily_interests.day
        ) as deltas
    order by later.user_key, deltas.day
) to stdout with (format "binary");
