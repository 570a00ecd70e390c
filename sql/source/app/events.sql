-- The events of schema app. Grain: one row an event.
-- The column that nights filter by, occurred_at, goes through bare, so that its index is used.
create or replace temporary view source_events as
select
    event_id,
    user_id,
    item_id,
    event_type,
    value,
    text,
    occurred_at,
    ingested_at
from app.events;
