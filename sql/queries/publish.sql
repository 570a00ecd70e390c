-- name: drafted_nights
-- The drafts of a night's run: its own, and that of the newest published night where it made one
-- (see nights_to_rank). A draft of another night belongs to another run, or to one that failed; so
-- does one of the newest whose lists are not made whole.
select draft_nights.night
from draft_nights
where
    draft_nights.night = %(day)s
    or (
        draft_nights.night > %(day)s
        and draft_nights.night = (
            select max(published_nights.night) from published_nights
        )
        and not exists (
            select
            from draft_shards
            where
                draft_shards.night = draft_nights.night
                and draft_shards.n_lists is null
        )
    )
order by draft_nights.night;

-- name: publish_draft
select publish_draft(%(night)s);

-- name: publish_cold_start!
insert into cold_start_lists (night, model_key, item_keys, scores, reason_details)
select
    draft_nights.night,
    draft_nights.model_key,
    draft_nights.cold_item_keys,
    draft_nights.cold_scores,
    draft_nights.cold_details
from draft_nights
where draft_nights.night = %(night)s
on conflict (night) do update
    set
        model_key = excluded.model_key,
        item_keys = excluded.item_keys,
        scores = excluded.scores,
        reason_details = excluded.reason_details;

-- name: publish_night!
insert into published_nights (night, model_key, partition_name, n_lists, inputs_fingerprint)
select
    draft_nights.night,
    draft_nights.model_key,
    draft_nights.partition_name,
    (
        select count(*) from recommendation_lists
        where recommendation_lists.night = %(night)s
    ),
    draft_nights.inputs_fingerprint
from draft_nights
where draft_nights.night = %(night)s
on conflict (night) do update
    set
        model_key = excluded.model_key,
        partition_name = excluded.partition_name,
        n_lists = excluded.n_lists,
        inputs_fingerprint = excluded.inputs_fingerprint,
        published_at = excluded.published_at;

-- name: delete_draft_night!
delete from draft_nights
where night = %(night)s;
