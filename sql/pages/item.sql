-- name: page_items_like
-- Items whose id begins with what was typed, or whose title has words that do.
with by_id as (
    select
        items.item_id,
        items.title
    from items
    where items.item_id collate "C" like %(prefix)s
    order by items.item_id collate "C"
    limit %(n)s
),

-- Any of them will do: to put all in order first takes too long where many have the word.
by_title as (
    select
        items.item_id,
        items.title
    from items
    where
        to_tsvector('simple', regexp_replace(items.title, '\W+', ' ', 'g'))
        @@ to_tsquery('simple', %(words)s)
    limit %(n)s -- noqa: AM09
)

select
    by_id.item_id,
    by_id.title
from by_id
union
select
    by_title.item_id,
    by_title.title
from by_title
order by title, item_id
limit %(n)s;

-- name: page_item
select
    items.item_key,
    items.item_id,
    items.title,
    items.category,
    items.is_listed,
    items.is_available,
    items.created_at,
    left(texts.content, 600) as text,
    filtered_items.item_key is not null as is_filtered
from items
left join texts on items.text_key = texts.text_key
left join filtered_items on items.item_key = filtered_items.item_key
where items.item_id = %(item_id)s;

-- name: page_items_near
-- The nearest items by what their texts mean, nearest first.
select
    items.item_id,
    items.title,
    items.category,
    entries.score
from item_neighbours
cross join
    lateral unnest(item_neighbours.neighbour_keys, item_neighbours.scores)
    with ordinality as entries (item_key, score, rank)
inner join items on entries.item_key = items.item_key
where item_neighbours.item_key = %(item_key)s and entries.rank <= %(n)s
order by entries.rank;

-- name: page_trend_of_item
-- Users who did something good with an item, day by day.
select
    daily_trends.day,
    daily_trends.mass
from generate_series(%(since)s::date + 1, %(until)s::date, interval '1 day') as asked (day)
inner join daily_trends on asked.day::date = daily_trends.day
where daily_trends.item_key = %(item_key)s
order by daily_trends.day;

-- name: page_places_of_item
-- Where an item stands among what trends, by half-life in days.
select
    trends.horizon,
    trends.rank,
    trends.score
from trends
where trends.night = %(night)s and trends.item_key = %(item_key)s
order by trends.horizon;

-- name: page_largest_user_key
select max(users.user_key) from users;

-- name: page_reach_of_item
-- Of the lists that some users were given by a night, those that hold an item, where it stands
-- highest first: how many were looked at, whose they are, and the item's rank.
with looked_at as (
    select
        lists.user_key,
        array_position(lists.item_keys, %(item_key)s::integer) as rank
    from recommendation_lists as lists
    where lists.night = %(night)s and lists.user_key = any(%(user_keys)s::integer[])
),

counted as (
    select
        count(*) as n_read,
        count(looked_at.rank) as n_with,
        count(*) filter (where looked_at.rank <= 10) as n_high
    from looked_at
),

highest as (
    select
        looked_at.user_key,
        looked_at.rank
    from looked_at
    where looked_at.rank is not null
    order by looked_at.rank asc, looked_at.user_key asc
    limit %(n)s
)

select
    counted.n_read,
    counted.n_with,
    counted.n_high,
    users.user_id,
    users.attributes ->> 'name' as name,
    highest.rank
from counted
left join highest on true
left join named_users as users on highest.user_key = users.user_key
order by highest.rank asc, users.user_id asc;
