-- A night makes lists where a user with a history (of late, where only those are refreshed) has an
-- item left.
select 'night ' || draft_nights.night || ' has no lists' as finding
from draft_nights
where
    draft_nights.night = any(%(nights)s::date[])
    and not exists (
        select
        from draft_lists
        where draft_lists.night = draft_nights.night
    )
    and exists (
        select
        from interactions as latest
        inner join items
            on
                items.is_listed
                and items.is_available
                and (items.created_at is null or items.created_at < draft_nights.night + 1)
        where
            latest.day <= draft_nights.night
            and latest.day
            > coalesce(draft_nights.night - %(refresh_days)s::integer, '-infinity')
            and items.item_key not in (select filtered_items.item_key from filtered_items)
            and not exists (
                select
                from used_up_items
                where
                    used_up_items.user_key = latest.user_key
                    and used_up_items.item_key = items.item_key
                    and used_up_items.day <= draft_nights.night
                    and used_up_items.day
                    > coalesce(draft_nights.night - draft_nights.excludes_after, '-infinity')
            )
    );
