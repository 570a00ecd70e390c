-- name: interactions_until
-- All interactions before a day, in ascending time; columns as in interactions_of_days.
copy (
    select
        interactions.user_key,
        coalesce(interactions.item_key, 0) as item_key,
        extract(epoch from interactions.occurred_at)::float8 / 86400 as occurred_on,
        interactions.event_type_key,
        coalesce(interactions.value, 'NaN') as value,
        coalesce(items.text_key, 0) as item_text_key,
        coalesce(interactions.text_key, 0) as text_key
    from interactions
    left join items on interactions.item_key = items.item_key
    where interactions.day < %(until)s
    order by interactions.occurred_at, interactions.event_id
) to stdout with (format "binary");

-- name: all_items
-- In the order of ids. `since` is null where an item exists for ever; infinite where it is not
-- listed.
select
    items.item_key,
    items.item_id,
    coalesce(items.text_key, 0) as text_key,
    items.is_listed,
    (items.created_at at time zone 'UTC')::date as since
from items
order by items.item_id collate "C";

-- name: source_span
select
    (min(source_events.occurred_at) at time zone 'UTC')::date,
    (max(source_events.occurred_at) at time zone 'UTC')::date
from source_events
where source_events.occurred_at between '1970-01-01' and now() + interval '1 day';
