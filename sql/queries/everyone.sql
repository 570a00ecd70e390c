-- name: create_known_users!
-- Whoever the source knows something of. Of rows with one user_id the oldest counts. An id that no
-- index could hold is left out.
create temporary table known_users on commit drop as
select distinct on (source_users.user_id)
    source_users.user_id,
    source_users.attributes,
    case when isfinite(source_users.created_at) then source_users.created_at end as created_at
from source_users
where
    source_users.user_id != ''
    and octet_length(source_users.user_id) <= 1000
    and source_users.attributes not in ('{}', '[]', 'null')
order by
    source_users.user_id asc,
    source_users.created_at asc nulls last,
    source_users.attributes::text asc;

-- name: update_users!
update users
set
    attributes = known_users.attributes,
    created_at = known_users.created_at
from known_users
inner join named_users on known_users.user_id = named_users.user_id
where
    users.user_key = named_users.user_key
    and (users.attributes, users.created_at)
    is distinct from (known_users.attributes, known_users.created_at);

-- name: forget_attributes!
-- What the source does not say any more.
update users
set
    attributes = null,
    created_at = null
where
    attributes is not null
    and not exists (
        select
        from known_users
        inner join named_users on known_users.user_id = named_users.user_id
        where named_users.user_key = users.user_key
    );

-- name: insert_known_users!
insert into users (user_id, attributes, created_at)
select
    known_users.user_id,
    known_users.attributes,
    known_users.created_at
from known_users
where
    not exists (
        select
        from named_users as users
        where users.user_id = known_users.user_id
    )
order by known_users.user_id;

-- name: drop_known_users!
drop table known_users;

-- name: user_attributes
-- Distinct attributes, and who has them.
select
    users.attributes,
    array_agg(users.user_key) as user_keys
from users
where users.attributes is not null
group by users.attributes
order by users.attributes;

-- name: users_with_attributes
-- In the order of ids.
copy (
    select users.user_key
    from named_users as users
    where users.attributes is not null
    order by users.user_id collate "C"
) to stdout with (format "binary");

-- name: users_without_history
-- Users of whom attributes are known and nothing else as of a night, in the order of ids; of late,
-- where only users active of late are refreshed.
copy (
    select users.user_key
    from named_users as users
    where
        users.attributes is not null
        and coalesce(users.created_at, '-infinity') < %(night)s::date + 1
        and (
            %(refresh_days)s::integer is null
            or users.created_at >= %(night)s::date + 1 - %(refresh_days)s::integer
        )
        and not exists (
            select
            from interactions
            where
                interactions.user_key = users.user_key
                and interactions.day <= %(night)s
        )
    order by users.user_id collate "C"
) to stdout with (format "binary");

-- name: night_in_the_way
-- A night that a day's provisional lists would have to give way to: one that is published, or the
-- day's own that is being made.
select max(nights.night)
from (
    select published_nights.night from published_nights
    union all
    select draft_nights.night from draft_nights
) as nights
where nights.night >= %(day)s;

-- name: publish_provisional
select publish_provisional(%(night)s);

-- name: drop_provisional
-- Those that a published night replaces.
select drop_provisional('-infinity', %(night)s);

-- name: forget_failed_refreshes!
-- What the night has made up for.
delete from nights
where
    step = 'refresh'
    and state = 'failed'
    and day <= %(night)s;

-- name: users_to_introduce
-- Users who did something since people were suggested to them, until a night.
copy (
    select users.user_key
    from users
    left join suggested_people on users.user_key = suggested_people.user_key
    where
        exists (
            select
            from interactions
            where
                interactions.user_key = users.user_key
                and interactions.day <= %(night)s
                and interactions.day > coalesce(suggested_people.night, '-infinity')
        )
    order by users.user_key
) to stdout with (format "binary");

-- name: follows
-- Who followed whom, or turned away from whom, and when last until a night: in days from
-- 1970-01-01, or infinitely long ago. A person who never acted has the negative key of the item.
-- People who were erased are nobody's.
copy (
    with people as (
        select
            items.item_key,
            coalesce(users.user_key, -items.item_key) as person_key
        from items
        left join users on items.item_id = users.user_id
        where
            not starts_with(items.item_id, 'erased:')
            and (
                users.user_key is not null
                or exists (
                    select
                    from interactions
                    inner join event_types
                        on interactions.event_type_key = event_types.event_type_key
                    where
                        interactions.item_key = items.item_key
                        and interactions.day <= %(night)s
                        and event_types.event_type = 'follow'
                )
            )
    ),

    turns as (
        select
            interactions.user_key,
            people.person_key,
            event_types.event_type = 'follow' as is_follow,
            extract(epoch from interactions.occurred_at)::float8 / 86400 as occurred_on
        from interactions
        inner join people on interactions.item_key = people.item_key
        inner join event_types on interactions.event_type_key = event_types.event_type_key
        where
            interactions.day <= %(night)s
            and (
                event_types.event_type = 'follow'
                or event_types.event_type = any(%(turning_away)s)
            )
    )

    select
        turns.user_key,
        turns.person_key,
        coalesce(max(turns.occurred_on) filter (where turns.is_follow), '-infinity') as followed_on,
        coalesce(max(turns.occurred_on) filter (where not turns.is_follow), '-infinity') as left_on
    from turns
    group by turns.user_key, turns.person_key
    order by turns.user_key, turns.person_key
) to stdout with (format "binary");

-- name: delete_suggested_people!
delete from suggested_people
where user_key = any(%(user_keys)s);

-- name: delete_all_suggested_people!
delete from suggested_people;

-- name: copy_suggested_people!
copy suggested_people (
    user_key, night, person_keys, scores, followed_by, n_followed_by
) from stdin with (format "binary");
