-- name: second_stage_of
select
    models.reranker,
    models.reranker_sha256
from models
where models.model_key = %(model_key)s;

-- name: set_second_stage!
update models
set
    reranker = %(content)s,
    reranker_sha256 = %(digest)s
where model_key = %(model_key)s;

-- name: users_active_since
-- Users who did something after a day, until a night.
copy (
    select distinct interactions.user_key
    from interactions
    where interactions.day > %(since)s and interactions.day <= %(night)s
    order by interactions.user_key
) to stdout with (format "binary");

-- name: all_items_as_of
-- Every item that is known, whether lists may show it or not; columns as in catalogue_as_of. The
-- largest integer stands for one that the source does not list any more.
copy (
    select
        items.item_key,
        coalesce(items.text_key, 0),
        case when items.is_listed then items.first_day else 2147483647 end
    from dated_items(%(night)s) as items
    order by items.item_key
) to stdout with (format "binary");

-- name: histories_of_users
-- What some users did until a night, at most the latest of it; columns as in interactions_of_days.
copy (
    with numbered as (
        select
            dense_interactions.*,
            row_number() over (
                partition by dense_interactions.user_key
                order by dense_interactions.occurred_at desc, dense_interactions.event_id desc
            ) as place
        from dense_interactions
        where
            dense_interactions.user_key = any(%(user_keys)s)
            and dense_interactions.day <= %(night)s
    )

    select
        numbered.user_key,
        numbered.item_key,
        numbered.occurred_on,
        numbered.event_type_key,
        numbered.value,
        numbered.item_text_key,
        numbered.text_key
    from numbered
    where numbered.place <= %(length)s
    order by numbered.occurred_at, numbered.event_id
) to stdout with (format "binary");
