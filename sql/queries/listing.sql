-- name: filter_items
-- Which items lists may not show; what is wrong with the condition, or null.
select filter_items(%(condition)s);

-- name: filtered_items
copy (
    select filtered_items.item_key
    from filtered_items
    order by filtered_items.item_key
) to stdout with (format "binary");

-- name: listed_items
-- What a policy of lists knows of items: a number for the category, -1 where there is none; and the
-- first day as of a night.
copy (
    select
        items.item_key,
        case
            when items.category is null then -1
            else dense_rank() over (order by items.category)
        end::integer as category,
        items.first_day
    from dated_items(%(night)s) as items
    where items.is_listed and items.is_available
    order by items.item_key
) to stdout with (format "binary");
