-- A list is shorter than wanted only where the user has no items left.
with candidates as (
    select
        draft_nights.night,
        items.item_key
    from draft_nights
    inner join items
        on
            items.is_listed
            and items.is_available
            and (items.created_at is null or items.created_at < draft_nights.night + 1)
    where items.item_key not in (select filtered_items.item_key from filtered_items)
),

short as (
    select
        draft_lists.night,
        draft_lists.user_key,
        cardinality(draft_lists.item_keys) as n_listed
    from draft_lists
    where
        draft_lists.night = any(%(nights)s::date[])
        and cardinality(draft_lists.item_keys) < %(list_length)s
),

left_over as (
    select
        short.night,
        short.user_key,
        short.n_listed,
        count(*) as n_candidates
    from short
    inner join candidates on short.night = candidates.night
    inner join draft_nights on short.night = draft_nights.night
    where
        not exists (
            select
            from used_up_items
            where
                used_up_items.user_key = short.user_key
                and used_up_items.item_key = candidates.item_key
                and used_up_items.day <= short.night
                and used_up_items.day
                > coalesce(short.night - draft_nights.excludes_after, '-infinity')
        )
    group by short.night, short.user_key, short.n_listed
)

select
    count(*) || ' lists of night ' || left_over.night || ' are short, the first of user_key '
    || min(left_over.user_key) as finding
from left_over
where left_over.n_listed < least(left_over.n_candidates, %(list_length)s)
group by left_over.night;
