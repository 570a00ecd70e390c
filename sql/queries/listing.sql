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
-- first day (from 1970-01-01) as of a night: where it is not known, the first one on which somebody
-- took to the item; the smallest integer where nobody did.
copy (
    select
        items.item_key,
        case
            when items.category is null then -1
            else dense_rank() over (order by items.category)
        end::integer as category,
        coalesce(
            case
                when isfinite(items.created_at)
                    then (items.created_at at time zone 'UTC')::date - date '1970-01-01'
            end,
            (
                select min(daily_trends.day) - date '1970-01-01'
                from daily_trends
                where
                    daily_trends.item_key = items.item_key
                    and daily_trends.day <= %(night)s
            ),
            (-2147483648)::integer
        ) as first_day
    from items
    where items.is_listed and items.is_available
    order by items.item_key
) to stdout with (format "binary");
