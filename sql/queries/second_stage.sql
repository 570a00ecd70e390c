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
    select
        latest.user_key,
        coalesce(latest.item_key, 0),
        extract(epoch from latest.occurred_at)::float8 / 86400,
        latest.event_type_key,
        coalesce(latest.value, 'NaN'),
        coalesce(items.text_key, 0),
        coalesce(latest.text_key, 0)
    from unnest(%(user_keys)s::integer[]) as asked (user_key)
    cross join
        lateral ( -- noqa: ST05
            -- A day ends before the next begins: the index gives the days, latest first.
            select interactions.*
            from interactions
            where
                interactions.user_key = asked.user_key
                and interactions.day <= %(night)s
            order by
                interactions.day desc,
                interactions.occurred_at desc,
                interactions.event_id desc
            limit %(length)s
        ) as latest
    -- Only of what is left: within the view, items would be sought for all that a user ever did.
    left join items on latest.item_key = items.item_key
    order by latest.occurred_at, latest.event_id
) to stdout with (format "binary");
