-- name: interest_of_user
-- The personal part of a user's score at the last night that shows it: the half-lives add up.
select sum(user_interests.vector)::real[]
from user_interests
where
    user_interests.user_id = %(user_id)s
    and user_interests.night = (
        select max(latest.night)
        from user_interests as latest
        where latest.user_id = %(user_id)s
    );

-- name: texts_of_listed_items
select
    items.item_id,
    text_vectors.vector::real[] as vector
from items
inner join text_vectors on items.text_key = text_vectors.text_key
where items.is_listed and text_vectors.encoder_id = %(encoder_id)s
order by items.item_id collate "C";
