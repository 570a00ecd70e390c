-- name: users_of_few_events
-- Users of some variants who did something until a night, but little: who was active last comes
-- first, of those the first in the order of ids.
copy (
    select users.user_key
    from named_users as users
    inner join draft_variants as shown
        on
            shown.night = %(night)s
            and shown.variant_key = any(%(variant_keys)s::smallint[])
            and shown.places @> place_of(shown.salt, users.user_id)
    cross join
        lateral ( -- noqa: ST05
            select
                count(*) as n,
                max(few.occurred_at) as last_at
            from (
                -- One more than few tells that there are too many.
                select dense_interactions.occurred_at
                from dense_interactions
                where
                    dense_interactions.user_key = users.user_key
                    and dense_interactions.day <= %(night)s
                order by dense_interactions.day desc
                limit %(events)s + 1
            ) as few
        ) as theirs
    where theirs.n between 1 and %(events)s
    order by theirs.last_at desc, users.user_id collate "C"
) to stdout with (format "binary");

-- name: titles_of_items
select
    items.item_key,
    items.title
from items
where items.item_key = any(%(item_keys)s::integer[]) and items.title is not null;

-- name: known_lifts
-- What the model said to some questions on nights before, or on an earlier try.
select
    title_lifts.question,
    title_lifts.lifts
from title_lifts
where title_lifts.question = any(%(questions)s::bytea[]);

-- name: lifts_of_users
select
    title_lifts.user_key,
    title_lifts.item_keys,
    title_lifts.lifts
from title_lifts
where title_lifts.night = %(night)s and title_lifts.user_key = any(%(user_keys)s::integer[]);

-- name: delete_title_lifts!
-- Of a night, and of those before it.
delete from title_lifts
where night <= %(night)s;

-- name: copy_title_lifts!
copy title_lifts (night, user_key, question, item_keys, lifts) from stdin with (format csv);
