-- A list is shorter than wanted only where the user has no items left. What a short list's user has
-- left is counted user by user: mostly there is no such user, and then no history is read.
with listable as not materialized (
    select
        draft_nights.night,
        draft_nights.excludes_after,
        items.item_key
    from draft_nights
    inner join items
        on
            items.is_listed
            and items.is_available
            and (items.created_at is null or items.created_at < draft_nights.night + 1)
    where items.item_key not in (select filtered_items.item_key from filtered_items)
),

counted as (
    select
        listable.night,
        count(*) as n_items
    from listable
    where listable.night = any(%(nights)s::date[])
    group by listable.night
),

left_over as (
    select
        short.night,
        short.user_key,
        cardinality(short.item_keys) as n_listed,
        counted.n_items - used_up.n_items as n_candidates
    from draft_lists as short
    inner join counted on short.night = counted.night
    cross join
        lateral (
            select count(distinct listable.item_key) as n_items
            from used_up_items
            inner join listable on used_up_items.item_key = listable.item_key
            where
                listable.night = short.night
                and used_up_items.user_key = short.user_key
                and used_up_items.day <= short.night
                and used_up_items.day > coalesce(short.night - listable.excludes_after, '-infinity')
        ) as used_up
    where
        short.night = any(%(nights)s::date[])
        and cardinality(short.item_keys) < %(list_length)s
)

select
    count(*) || ' lists of night ' || left_over.night || ' are short, the first of user_key '
    || min(left_over.user_key) as finding
from left_over
where left_over.n_listed < least(left_over.n_candidates, %(list_length)s)
group by left_over.night;
