-- name: interactions_until
-- All interactions before a day, in ascending time; columns as in interactions_of_days.
copy (
    select
        dense_interactions.user_key,
        dense_interactions.item_key,
        dense_interactions.occurred_on,
        dense_interactions.event_type_key,
        dense_interactions.value,
        dense_interactions.item_text_key,
        dense_interactions.text_key
    from dense_interactions
    where dense_interactions.day < %(until)s
    order by dense_interactions.occurred_at, dense_interactions.event_id
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
