-- The catalogue of schema app, as `ebbtide load` writes it: in the contract's names and types.
-- Grain: one row an item.
create or replace temporary view source_items as
select
    item_id,
    title,
    description,
    category,
    attributes,
    available,
    created_at,
    updated_at
from app.items;
