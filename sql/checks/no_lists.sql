-- A night on which users have a history makes lists.
select 'night ' || draft_nights.night || ' has no lists' as finding
from draft_nights
where
    not exists (
        select
        from draft_lists
        where draft_lists.night = draft_nights.night
    )
    and exists (
        select
        from interactions
        where interactions.day <= draft_nights.night
    );
