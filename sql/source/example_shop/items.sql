-- A worked example: a shop's own database, schema shopfront, read without changing it.
-- Copy this folder, write your own names, and set RECSYS_SOURCE to it (its name here, or its path).
-- Grain: one row an item.
create or replace temporary view source_items as
select
    -- Ids are text, whatever their type in the source.
    products.sku as item_id,
    products.name as title,
    products.blurb as description,
    departments.name as category,
    -- Attributes become text for the encoder: leave out what says nothing in words (tax codes).
    jsonb_strip_nulls(
        jsonb_build_object('brand', products.brand, 'colour', products.colour)
    ) as attributes,
    -- An item that is not available is never recommended; what users did with it still counts.
    not products.discontinued and products.stock > 0 as available,
    products.added_at as created_at,
    null::timestamptz as updated_at -- unknown: changes are found by content
from shopfront.products
left join shopfront.departments on products.department_id = departments.department_id;
