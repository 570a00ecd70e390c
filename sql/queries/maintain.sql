-- What need not be kept, whether totals are what they should be, and what needs vacuuming.

-- name: expire_daily_interests!
-- Deltas of days that are not kept any more; their users are to be folded again.
with expired as (
    delete from daily_interests
    where day < %(oldest)s
    returning
        model_key,
        user_key,
        day
)

insert into pending_merges (model_key, user_key, day)
select
    expired.model_key,
    expired.user_key,
    min(expired.day)
from expired
group by expired.model_key, expired.user_key
on conflict (model_key, user_key) do update
    set day = least(pending_merges.day, excluded.day);

-- name: expire_interests!
delete from interests
where night < %(oldest)s;

-- name: expire_interactions!
delete from interactions
where day < %(oldest)s;

-- name: expire_trends!
delete from daily_trends
where day < %(oldest)s;

-- name: expire_rejected!
delete from rejected_interactions
where day < %(oldest)s;

-- name: expire_accumulated_days!
delete from accumulated_days
where day < %(oldest)s;

-- name: expire_days!
delete from interaction_days
where day < %(oldest)s;

-- name: delete_old_rejected!
-- Their days still know that rows were rejected, and are looked at again when the rules change.
delete from rejected_interactions
where rejected_at < %(until)s;

-- name: expire_user_days!
delete from experiment_user_days
where night < %(oldest)s;

-- name: users_without_anything
-- Users of whom nothing happened that is kept, and the source says nothing.
select users.user_key
from users
where
    users.attributes is null
    and not exists (
        select
        from interactions
        where interactions.user_key = users.user_key
    )
order by users.user_key;

-- name: delete_vectors_of_nothing!
-- Vectors of texts that nobody wrote and no item has, and of encoders that no model reads and that
-- are not kept by name.
delete from text_vectors
where
    (
        not exists (
            select
            from interactions
            where interactions.text_key = text_vectors.text_key
        )
        and not exists (
            select
            from items
            where items.text_key = text_vectors.text_key
        )
    )
    or (
        text_vectors.encoder_id not in (
            select models.encoder_id
            from models
            where models.state != 'retired'
            union
            select encoders.encoder_id
            from encoders
        )
        and exists (
            select
            from models
            where models.state = 'serving'
        )
    );

-- name: delete_texts_of_nothing!
delete from texts
where
    not exists (
        select
        from interactions
        where interactions.text_key = texts.text_key
    )
    and not exists (
        select
        from items
        where items.text_key = texts.text_key
    );

-- name: nights_beyond
-- Published nights with lists, but for the newest ones, oldest first.
select nights.night
from (
    select published_nights.night
    from published_nights
    where published_nights.partition_name is not null
    order by published_nights.night desc
    offset %(keep_nights)s
) as nights
order by nights.night;

-- name: delete_superseded_lists!
-- Lists of a night whose users were given another one since.
delete from recommendation_lists
where
    night = %(night)s
    and exists (
        select
        from recommendation_lists as newer
        inner join published_nights on newer.night = published_nights.night
        where
            newer.user_key = recommendation_lists.user_key
            and newer.night > %(night)s
    );

-- name: serves_somebody
-- Whether a night has lists that are still served: of users who were not given another one since.
select exists(
    select
    from recommendation_lists
    where
        recommendation_lists.night = %(night)s
        and not exists (
            select
            from recommendation_lists as newer
            inner join published_nights on newer.night = published_nights.night
            where
                newer.user_key = recommendation_lists.user_key
                and newer.night > %(night)s
        )
);

-- name: drop_lists
select drop_lists(%(night)s);

-- name: forget_beside_lists!
-- What was shown beside the lists of nights before a night.
with cold as (
    delete from cold_start_lists
    where night < %(night)s
)

delete from trends
where night < %(night)s;

-- name: oldest_lists
select min(published_nights.night)
from published_nights
where published_nights.partition_name is not null;

-- name: stale_drafts
-- Drafts of runs that failed long ago.
select draft_nights.night
from draft_nights
where draft_nights.made_at < %(until)s
order by draft_nights.night;

-- name: drop_draft
select drop_draft(%(night)s);

-- name: newest_user
select max(users.user_key) from users;

-- name: settled_users
-- Those of some users of whom nothing is pending under a model, and something is known.
select candidates.user_key
from unnest(%(user_keys)s::integer[]) as candidates (user_key)
where
    not exists (
        select
        from pending_merges
        where
            pending_merges.model_key = %(model_key)s
            and pending_merges.user_key = candidates.user_key
    )
    and (
        exists (
            select
            from daily_interests
            where
                daily_interests.model_key = %(model_key)s
                and daily_interests.user_key = candidates.user_key
        )
        or exists (
            select
            from interest_totals
            where
                interest_totals.model_key = %(model_key)s
                and interest_totals.user_key = candidates.user_key
        )
    )
order by candidates.user_key;

-- name: totals_of_users
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
        and interest_totals.user_key = any(%(user_keys)s)
    order by interest_totals.user_key, interest_totals.half_life
) to stdout with (format "binary");

-- name: fold_again!
-- From the first delta on.
insert into pending_merges (model_key, user_key, day)
select
    %(model_key)s,
    broken.user_key,
    date '1970-01-01'
from unnest(%(user_keys)s::integer[]) as broken (user_key)
on conflict (model_key, user_key) do update
    set day = excluded.day;

-- name: ids_of_users
select users.user_id
from users
where users.user_key = any(%(user_keys)s)
order by users.user_id;

-- name: tables_to_vacuum
-- Tables of the schema but for lists, which never change, with the statement that vacuums each. One
-- that a night holds is skipped.
select
    pg_class.relname::text as name,
    format(
        'vacuum (analyze, skip_locked) %I.%I', current_schema(), pg_class.relname
    ) as statement
from pg_class
where
    pg_class.relnamespace = current_schema()::regnamespace
    and pg_class.relkind = 'r'
    and not pg_class.relispartition
order by pg_class.relname;
