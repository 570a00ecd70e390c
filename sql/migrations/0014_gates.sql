-- Gates that a person opened for one night, and what gates compare a draft with.

-- One row a night's run and gate: what the gate finds does not hold that night up.
create table gate_overrides (
    day date not null, -- of the run
    gate text not null, -- a file of sql/checks
    given_by text not null, -- the login
    given_at timestamptz not null default now(),
    primary key (day, gate)
);

-- Each list of a draft beside the same user's in the newest night published in the week before.
create view drafts_beside_earlier as
select
    draft_lists.night,
    draft_lists.item_keys,
    draft_lists.scores,
    earlier.night as earlier_night,
    earlier.item_keys as earlier_keys,
    earlier.scores as earlier_scores,
    draft_lists.model_key = earlier.model_key
    and draft_lists.strategy_key = earlier.strategy_key
    and draft_lists.variant_key = earlier.variant_key as is_of_one_kind
from draft_nights
cross join
    lateral (
        select published_nights.night
        from published_nights
        where
            published_nights.night < draft_nights.night
            and published_nights.night >= draft_nights.night - 7
        order by published_nights.night desc
        limit 1
    ) as newest
inner join draft_lists on draft_nights.night = draft_lists.night
inner join recommendation_lists as earlier
    on
        newest.night = earlier.night
        and draft_lists.user_key = earlier.user_key;
