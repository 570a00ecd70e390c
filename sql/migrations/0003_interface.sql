-- The relations and functions that applications ask.

-- A name for each partition, so that a new one never meets an old one.
create sequence list_partitions;

-- Make an empty draft for a night, in place of an earlier one.
create function create_draft(draft_night date) returns text
language plpgsql
as $$
declare
    earlier text := (select partition_name from draft_nights where night = draft_night);
    partition text := format(
        'lists_%s_%s', to_char(draft_night, 'YYYYMMDD'), nextval('list_partitions')
    );
begin
    if earlier is not null then
        execute format('drop table if exists %I', earlier);
        delete from draft_nights where night = draft_night;
    end if;
    execute format(
        'create table %I partition of draft_lists for values from (%L) to (%L)',
        partition, draft_night, draft_night + 1
    );
    return partition;
end
$$;

-- Attach a night's draft to the published lists, in place of an earlier edition of the night.
-- Readers see one edition or the other: the exchange is part of the caller's transaction.
create function publish_draft(draft_night date) returns void
language plpgsql
as $$
declare
    partition text := (select partition_name from draft_nights where night = draft_night);
    earlier text := (select partition_name from published_nights where night = draft_night);
begin
    execute format('alter table draft_lists detach partition %I', partition);
    -- The constraint lets attach skip its scan for rows of other nights.
    execute format(
        'alter table %I add constraint night_check check (night >= %L and night < %L)',
        partition, draft_night, draft_night + 1
    );
    if earlier is not null then
        execute format('alter table recommendation_lists detach partition %I', earlier);
        execute format('drop table %I', earlier);
    end if;
    execute format(
        'alter table recommendation_lists attach partition %I for values from (%L) to (%L)',
        partition, draft_night, draft_night + 1
    );
    execute format('alter table %I drop constraint night_check', partition);
    execute format('analyze %I', partition);
end
$$;

-- Give item vectors their length and their index; a new length empties the table.
create function prepare_item_vectors(dim integer) returns void
language plpgsql
as $$
begin
    if exists (
        select from pg_attribute
        where attrelid = 'item_vectors'::regclass and attname = 'vector' and atttypmod = dim
    ) then
        return;
    end if;
    truncate item_vectors;
    drop index if exists item_vectors_vector_idx;
    execute format('alter table item_vectors alter column vector type halfvec(%s)', dim);
    create index item_vectors_vector_idx on item_vectors using hnsw (vector halfvec_ip_ops);
end
$$;

-- A reason in words. Kinds: 1 an item that the user had to do with, 2 what the user wrote,
-- 3 a trend. Days ago are counted from the day after the night, when the list is read.
create function reason_in_words(
    kind smallint, title text, verb text, horizon smallint, days_ago integer
) returns text
language sql immutable parallel safe
begin atomic
    select
        case kind
            when 1 then 'because you ' || verb || ' ' || title
            when 2 then 'because of what you wrote' || coalesce(' about ' || title, '')
            else
                'popular '
                || case
                    when horizon <= 1 then 'now'
                    when horizon <= 7 then 'this week'
                    else 'this month'
                end
        end
        || case
            when kind = 3 then ''
            when days_ago < 1 then ' today'
            when days_ago = 1 then ' yesterday'
            else ' ' || days_ago || ' days ago'
        end;
end;

-- The list that each user is served, row by row: of the latest night that made one for the user.
create view recommendations as
select
    users.user_id,
    entries.rank::integer as rank,
    items.item_id,
    entries.score,
    reason_in_words(
        entries.reason_kind,
        coalesce(reason_items.title, reason_items.item_id),
        event_types.verb,
        entries.reason_detail,
        latest.night + 1 - date '1970-01-01' - entries.reason_day
    ) as reason,
    strategies.strategy,
    variants.variant,
    latest.night,
    models.model_id
from users
cross join
    lateral (
        select
            lists.night,
            lists.model_key,
            lists.strategy_key,
            lists.variant_key,
            lists.item_keys,
            lists.scores,
            lists.reason_kinds,
            lists.reason_items,
            lists.reason_details,
            lists.reason_days
        from recommendation_lists as lists
        where lists.user_key = users.user_key
        order by lists.night desc
        limit 1
    ) as latest
cross join
    lateral unnest(
        latest.item_keys,
        latest.scores,
        latest.reason_kinds,
        latest.reason_items,
        latest.reason_details,
        latest.reason_days
    ) with ordinality
        as entries (
            item_key, score, reason_kind, reason_item, reason_detail, reason_day, rank
        )
inner join items on entries.item_key = items.item_key
inner join strategies on latest.strategy_key = strategies.strategy_key
inner join variants on latest.variant_key = variants.variant_key
inner join models on latest.model_key = models.model_key
left join items as reason_items on entries.reason_item = reason_items.item_key
left join event_types
    on
        entries.reason_kind < 3
        and entries.reason_detail = event_types.event_type_key;

-- The list of whoever is not known, of the latest night, row by row.
create view cold_start_recommendations as
select
    entries.rank::integer as rank,
    items.item_id,
    entries.score,
    reason_in_words(3::smallint, null, null, entries.reason_detail, null) as reason,
    latest.night,
    models.model_id,
    entries.item_key
from (
    select
        lists.night,
        lists.model_key,
        lists.item_keys,
        lists.scores,
        lists.reason_details
    from cold_start_lists as lists
    order by lists.night desc
    limit 1
) as latest
cross join
    lateral unnest(latest.item_keys, latest.scores, latest.reason_details)
    with ordinality as entries (item_key, score, reason_detail, rank)
inner join items on entries.item_key = items.item_key
inner join models on latest.model_key = models.model_key;

-- recommend.user_id and recommend.n are the function's arguments:
-- noqa: disable=RF01

-- The user's list; then, where it is shorter than n or there is none, what the cold-start list adds
-- to it; before the first night the catalogue in the order of ids. Never empty while items exist.
create function recommend(user_id text, n integer default 10)
returns setof recommendations
language sql stable parallel safe rows 10
begin atomic
    with known as (
        select listed.*
        from recommendations as listed
        where listed.user_id = recommend.user_id and listed.rank <= recommend.n
    ),

    added as (
        select
            cold.*,
            row_number() over (order by cold.rank) + (select count(*) from known) as next_rank
        from cold_start_recommendations as cold
        where
            (select count(*) from known) < recommend.n
            and cold.item_id not in (select known.item_id from known)
            and not exists (
                select
                from used_up_items
                inner join users on used_up_items.user_key = users.user_key
                where
                    users.user_id = recommend.user_id
                    and used_up_items.item_key = cold.item_key
            )
    ),

    catalogue as (
        select
            items.item_id,
            row_number() over (order by items.item_id) as next_rank
        from items
        where
            items.is_listed
            and items.is_available
            and not exists (select from known)
            and not exists (select from added)
    )

    select
        known.user_id,
        known.rank,
        known.item_id,
        known.score,
        known.reason,
        known.strategy,
        known.variant,
        known.night,
        known.model_id
    from known
    union all
    select
        recommend.user_id,
        added.next_rank::integer,
        added.item_id,
        added.score,
        added.reason,
        'cold_start',
        null,
        added.night,
        added.model_id
    from added
    union all
    select
        recommend.user_id,
        catalogue.next_rank::integer,
        catalogue.item_id,
        0::real,
        'in the catalogue',
        'catalogue',
        null,
        null,
        null
    from catalogue
    where catalogue.next_rank <= recommend.n
    order by rank
    limit greatest(recommend.n, 0);
end;
-- noqa: enable=RF01

-- What is popular, by half-life in days, as of the latest night.
create view trending_items as
select
    trends.horizon,
    trends.rank::integer as rank,
    items.item_id,
    trends.score
from trends
inner join items on trends.item_key = items.item_key
where trends.night = (select max(published_nights.night) from published_nights);

-- The nearest items by what their texts mean: cosine of centred vectors.
create view similar_items as
select
    items.item_id,
    entries.rank::integer as rank,
    neighbours.item_id as neighbour,
    entries.score
from item_neighbours
inner join items on item_neighbours.item_key = items.item_key
cross join
    lateral unnest(item_neighbours.neighbour_keys, item_neighbours.scores)
    with ordinality as entries (item_key, score, rank)
inner join items as neighbours on entries.item_key = neighbours.item_key;

-- The nearest users by interest, as of the night on which each was last active: cosine of their
-- vectors.
create view similar_users as
select
    users.user_id,
    entries.rank::integer as rank,
    neighbours.user_id as neighbour,
    entries.score
from user_neighbours
inner join users on user_neighbours.user_key = users.user_key
cross join
    lateral unnest(user_neighbours.neighbour_keys, user_neighbours.scores)
    with ordinality as entries (user_key, score, rank)
inner join users as neighbours on entries.user_key = neighbours.user_key;

-- Interests as of the nights on whose day the user was active, all of the serving model. Of one
-- night, the last one, the vectors of a user's half-lives add up to the personal part of the score:
-- `order by vector <#> (select sum(vector) ... where night = ...)` over item_vectors.
create view user_interests as
select
    users.user_id,
    interests.half_life,
    interests.night,
    interests.mass,
    interests.alpha,
    interests.vector
from interests
inner join users on interests.user_key = users.user_key
where interests.night <= (select max(published_nights.night) from published_nights);
