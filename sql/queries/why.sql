-- name: user_to_explain
select users.user_key
from named_users as users
where users.user_id = %(user_id)s;

-- name: item_to_explain
-- An item, and why no list holds it but for the settings' filter and the user's own past.
select
    items.item_key,
    coalesce(items.title, items.item_id),
    items.is_listed,
    items.is_available,
    items.created_at >= %(until)s,
    items.item_key in (select filtered_items.item_key from filtered_items)
from items
where items.item_id = %(item_id)s;

-- name: last_used_up
-- The last day until a night on which a user had an item.
select max(used_up_items.day)
from used_up_items
where
    used_up_items.user_key = %(user_key)s
    and used_up_items.item_key = %(item_key)s
    and used_up_items.day <= %(night)s;

-- name: ids_like_user
-- Ids that begin or end as one that is not there, for who may have meant them.
select users.user_id
from named_users as users
where
    left(users.user_id, 2) = left(%(id)s, 2)
    or right(users.user_id, 3) = right(%(id)s, 3)
order by users.user_id
limit 20000;

-- name: ids_like_item
select items.item_id
from items
where
    left(items.item_id, 2) = left(%(id)s, 2)
    or right(items.item_id, 3) = right(%(id)s, 3)
order by items.item_id
limit 20000;

-- name: list_to_explain
-- The list that a user is served: its night and variant, the model that made it, and where an item
-- stands in it.
select
    lists.night,
    variants.variant,
    models.model_key,
    models.model_id,
    models.kind,
    models.encoder_id,
    models.dim,
    array_position(lists.item_keys, %(item_key)s::integer),
    lists.scores[array_position(lists.item_keys, %(item_key)s::integer)]
from recommendation_lists as lists
inner join variants on lists.variant_key = variants.variant_key
inner join models on lists.model_key = models.model_key
where lists.user_key = %(user_key)s
order by lists.night desc
limit 1;

-- name: newest_night
select max(published_nights.night)
from published_nights;

-- name: reasons_in_words
-- Grounds by their arrays, in words and with the id of their item.
select
    reason_in_words(
        entries.kind,
        coalesce(items.title, items.item_id),
        event_types.verb,
        entries.detail,
        %(night)s::date + 1 - date '1970-01-01' - entries.day
    ),
    items.item_id
from unnest(
        %(kinds)s::smallint[],
        %(item_keys)s::integer[],
        %(details)s::smallint[],
        %(days)s::integer[]
    ) with ordinality as entries (kind, item_key, detail, day, place)
left join items on entries.item_key = items.item_key
left join event_types on entries.kind = 1 and entries.detail = event_types.event_type_key
order by entries.place;
