-- name: days_of_source
-- Days on which something happened, in order, and how many users came back on each.
with active as (
    select distinct
        source_events.user_id,
        (source_events.occurred_at at time zone 'UTC')::date as day
    from source_events
    where source_events.occurred_at between '1970-01-01' and now()
),

since_when as (
    select
        active.day,
        min(active.day) over (partition by active.user_id) as first_day
    from active
)

select
    since_when.day,
    count(*) filter (where since_when.day > since_when.first_day) as n_returning
from since_when
group by since_when.day
order by since_when.day;

-- name: busiest_user
-- Who has a list, and did something on most days of a stretch; of equals, who did most.
select users.user_id
from interactions
inner join named_users as users on interactions.user_key = users.user_key
where
    interactions.day >= %(since)s
    and interactions.day < %(until)s
    and exists (
        select
        from recommendation_lists as lists
        where lists.user_key = users.user_key
    )
group by users.user_id
order by count(distinct interactions.day) desc, count(*) desc, users.user_id asc
limit 1;

-- name: days_of_user
-- What a user did on each day of a stretch: how much, with what, and what was valued most.
select
    interactions.day,
    count(*) as n_interactions,
    min(event_types.verb) as verb,
    (array_agg(
        coalesce(items.title, items.item_id)
        order by interactions.value desc nulls last, interactions.occurred_at asc
    ) filter (where items.item_id is not null))[1] as best
from interactions
inner join named_users as users on interactions.user_key = users.user_key
inner join event_types on interactions.event_type_key = event_types.event_type_key
left join items on interactions.item_key = items.item_key
where
    users.user_id = %(user_id)s
    and interactions.day >= %(since)s
    and interactions.day < %(until)s
group by interactions.day
order by interactions.day;

-- name: lists_of_user
-- The first n titles that a user was given, night by night.
select
    lists.night,
    array_agg(coalesce(items.title, items.item_id) order by entries.rank) as titles
from named_users as users
inner join recommendation_lists as lists on users.user_key = lists.user_key
cross join lateral unnest(lists.item_keys) with ordinality as entries (item_key, rank)
inner join items on entries.item_key = items.item_key
where
    users.user_id = %(user_id)s
    and lists.night >= %(since)s
    and lists.night < %(until)s
    and entries.rank <= %(n)s
group by lists.night
order by lists.night;

-- name: source_has_tables
select to_regclass('app.events') is not null;

-- name: first_event_of_source
select events.event_id
from app.events as events
order by events.event_id
limit 1;
