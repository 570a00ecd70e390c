-- Order lines and page views as events. Grain: one row an event.
-- Ids must stay the same from night to night and differ between the parts: hence the prefixes.
create or replace temporary view source_events as
with actions as (
    select
        concat_ws('-', 'order', order_lines.order_id, order_lines.line_number) as event_id,
        orders.customer_id,
        order_lines.sku,
        -- This shop writes a return as a negative quantity.
        case when order_lines.quantity < 0 then 'return' else 'purchase' end as event_type,
        abs(order_lines.quantity) * order_lines.price_pence / 100.0 as value,
        null as text,
        orders.placed_at as local_time,
        orders.imported_at as ingested_at
    from shopfront.order_lines
    inner join shopfront.orders on order_lines.order_id = orders.order_id

    union all

    select
        concat_ws('-', 'view', page_views.page_view_id) as event_id,
        page_views.customer_id, -- null where nobody was signed in: a night rejects those by name
        page_views.sku,
        'view' as event_type,
        null as value,
        null as text,
        page_views.seen_at as local_time,
        null as ingested_at
    from shopfront.page_views
)

select
    event_id,
    customer_id::text as user_id,
    sku as item_id,
    event_type,
    value::double precision as value,
    text,
    -- Times are text here, in the shop's local time. One that cannot be read becomes null, which a
    -- night rejects with its reason; a bare cast would stop the night instead.
    case
        when
            local_time ~ '^\d{4}-\d{2}-\d{2}' and pg_input_is_valid(local_time, 'timestamp')
            then local_time::timestamp at time zone 'Europe/London'
    end as occurred_at,
    ingested_at::timestamptz as ingested_at
from actions;
