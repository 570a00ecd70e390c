-- name: page_users_like
-- Users whose id, or whose name among their attributes, begins with what was typed.
with by_id as (
    select
        users.user_id,
        users.attributes ->> 'name' as name
    from named_users as users
    where users.user_id collate "C" like %(prefix)s
    order by users.user_id collate "C"
    limit %(n)s
),

by_name as (
    select
        users.user_id,
        users.attributes ->> 'name' as name
    from named_users as users
    where
        users.attributes ->> 'name' is not null
        and lower(users.attributes ->> 'name') collate "C" like lower(%(prefix)s)
    order by lower(users.attributes ->> 'name') collate "C"
    limit %(n)s
)

select
    by_id.user_id,
    by_id.name
from by_id
union
select
    by_name.user_id,
    by_name.name
from by_name
order by user_id
limit %(n)s;

-- name: page_user
select
    users.user_key,
    users.user_id,
    users.attributes ->> 'name' as name,
    users.attributes,
    users.created_at,
    variant_of(users.user_id) as variant
from named_users as users
where users.user_id = %(user_id)s;

-- name: page_interests_of_user
-- The newest interests of a user that are shown, shortest half-life first.
with shown as (
    select
        interests.half_life,
        interests.mass,
        interests.alpha,
        interests.night,
        dense_rank() over (order by interests.night desc) as age
    from interests
    inner join models on interests.model_key = models.model_key
    inner join derived_tables on models.model_id = derived_tables.fingerprint
    where derived_tables.name = 'interests' and interests.user_key = %(user_key)s
)

select
    shown.half_life,
    shown.mass,
    shown.alpha,
    shown.night
from shown
where shown.age = 1
order by shown.half_life;

-- name: page_items_near_interest
-- The items nearest to one of a user's interests, by the inner product that ranks.
with asked as (
    select interests.vector
    from interests
    inner join models on interests.model_key = models.model_key
    inner join derived_tables on models.model_id = derived_tables.fingerprint
    where
        derived_tables.name = 'interests'
        and interests.user_key = %(user_key)s
        and interests.night = %(night)s
        and interests.half_life = %(half_life)s::real
)

select
    item_vectors.item_id,
    items.title,
    item_vectors.category,
    -(item_vectors.vector <#> (select asked.vector from asked)) as score
from item_vectors
inner join items on item_vectors.item_key = items.item_key
where item_vectors.is_available and exists (select from asked)
order by item_vectors.vector <#> (select asked.vector from asked)
limit %(n)s;

-- name: page_alphas_of_user
-- What the last merge of each active night left to the older interest, newest nights first.
select
    interests.night,
    interests.half_life,
    interests.alpha,
    interests.mass
from interests
inner join models on interests.model_key = models.model_key
inner join derived_tables on models.model_id = derived_tables.fingerprint
where derived_tables.name = 'interests' and interests.user_key = %(user_key)s
order by interests.night desc, interests.half_life asc
limit %(n)s;

-- name: page_events_of_user
-- What a user did last, newest first; of what was written the beginning.
select
    interactions.occurred_at,
    interactions.day,
    event_types.event_type,
    items.item_id,
    items.title,
    interactions.value,
    left(coalesce(interactions.content, texts.content), 200) as text
from interactions
inner join event_types on interactions.event_type_key = event_types.event_type_key
left join items on interactions.item_key = items.item_key
left join texts on interactions.text_key = texts.text_key
where interactions.user_key = %(user_key)s
order by interactions.day desc, interactions.occurred_at desc
limit %(n)s;

-- name: page_list_of_user
-- The list that a user is served; for a user who is not known, the cold-start list.
select
    listed.rank,
    listed.item_id,
    items.title,
    listed.score,
    listed.reason,
    listed.reasons,
    listed.strategy,
    listed.variant,
    listed.night,
    listed.model_id,
    provisional_nights.made_at
from recommend(%(user_id)s, %(n)s) as listed
inner join items on listed.item_id = items.item_id
left join provisional_nights on listed.night = provisional_nights.night
order by listed.rank;

-- name: page_users_near
select
    users.user_id,
    users.attributes ->> 'name' as name,
    entries.score
from user_neighbours
cross join
    lateral unnest(user_neighbours.neighbour_keys, user_neighbours.scores)
    with ordinality as entries (user_key, score, rank)
inner join named_users as users on entries.user_key = users.user_key
where user_neighbours.user_key = %(user_key)s and entries.rank <= %(n)s
order by entries.rank;
