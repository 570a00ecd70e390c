-- Who is behind a pseudonym: with a key set, users are called by a keyed hash, and what the source
-- calls them is kept apart, in a schema of its own.

-- At most one row: names the key that users are called by; none where they are called as in the
-- source.
create table identity_keys (
    is_only boolean primary key default true,
    key_id text not null,
    constraint identity_keys_is_only_check check (is_only)
);

-- One row a user who is called by a pseudonym: what the source calls them. What is written here
-- goes into the schema of its own.
create view identities as
select
    users.user_key,
    users.user_id
from users
where false;

-- Users as the source calls them, which is what applications know: a table's own columns, so that
-- an index finds a user, whichever of the two tables the id stands in.
create view named_users as
select
    users.user_key,
    users.user_id,
    users.attributes,
    users.created_at
from users;

-- Keep what the source calls users apart from now on, nobody yet: in a table that nobody but the
-- owner may read, and that loses whoever is forgotten.
create function part_identities() returns void
language plpgsql security definer
as $$
declare
    place text := current_schema();
    apart text := current_schema() || '_identities';
begin
    if to_regnamespace(quote_ident(apart)) is null then
        execute format('create schema %I', apart);
    end if;
    -- A schema of this name that was dropped may have left one.
    execute format('drop table if exists %I.identities', apart);
    execute format(
        'create table %I.identities ('
        'user_key integer primary key references %I.users on delete cascade,'
        ' user_id text not null unique)',
        apart, place
    );
    -- What is typed into a search field is the beginning of an id.
    execute format(
        'create index identities_user_id_prefix_idx on %I.identities (user_id collate "C")', apart
    );
    execute format(
        'create or replace view identities as'
        ' select kept.user_key, kept.user_id from %I.identities as kept',
        apart
    );
    execute format(
        'create or replace view named_users as'
        ' select users.user_key, kept.user_id, users.attributes, users.created_at'
        ' from users inner join %I.identities as kept on users.user_key = kept.user_key',
        apart
    );
end
$$;

-- The opposite: users are called as in the source again.
create function join_identities() returns void
language plpgsql security definer
as $$
declare
    apart text := current_schema() || '_identities';
begin
    create or replace view identities as
    select
        users.user_key,
        users.user_id
    from users
    where false;
    create or replace view named_users as
    select
        users.user_key,
        users.user_id,
        users.attributes,
        users.created_at
    from users;
    execute format('drop table %I.identities', apart);
    execute format('drop schema %I', apart);
end
$$;

-- As before, by the ids that applications know.
create or replace view recommendations as
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
        latest.day_before + 1 - date '1970-01-01' - entries.reason_day
    ) as reason,
    strategies.strategy,
    variants.variant,
    latest.night,
    models.model_id,
    reasons_of_entry(
        entries.rank::integer,
        entries.score,
        latest.part_kinds,
        latest.part_items,
        latest.part_details,
        latest.part_days,
        latest.parts,
        latest.day_before
    ) as reasons
from named_users as users
cross join
    lateral (
        select
            lists.night,
            lists.night - (provisional_nights.night is not null)::integer as day_before,
            lists.model_key,
            lists.strategy_key,
            lists.variant_key,
            lists.item_keys,
            lists.scores,
            lists.reason_kinds,
            lists.reason_items,
            lists.reason_details,
            lists.reason_days,
            lists.part_kinds,
            lists.part_items,
            lists.part_details,
            lists.part_days,
            lists.parts
        from recommendation_lists as lists
        left join provisional_nights on lists.night = provisional_nights.night
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

create or replace view similar_users as
select
    users.user_id,
    entries.rank::integer as rank,
    neighbours.user_id as neighbour,
    entries.score
from user_neighbours
inner join named_users as users on user_neighbours.user_key = users.user_key
cross join
    lateral unnest(user_neighbours.neighbour_keys, user_neighbours.scores)
    with ordinality as entries (user_key, score, rank)
inner join named_users as neighbours on entries.user_key = neighbours.user_key;

create or replace view user_interests as
select
    users.user_id,
    interests.half_life,
    interests.night,
    interests.mass,
    interests.alpha,
    interests.vector
from interests
inner join named_users as users on interests.user_key = users.user_key
inner join models on interests.model_key = models.model_key
inner join derived_tables on models.model_id = derived_tables.fingerprint
where
    derived_tables.name = 'interests'
    and interests.night <= (select max(published_nights.night) from published_nights);

create or replace view people_to_follow as
select
    users.user_id,
    entries.rank::integer as rank,
    coalesce(people.user_id, items.item_id) as person,
    entries.score,
    case
        when entries.followed_by = 0 then 'interested in the same'
        else
            'followed by ' || friends.user_id
            || case entries.n_followed_by
                when 1 then ', whom you follow'
                when 2 then ' and one more whom you follow'
                else ' and ' || entries.n_followed_by - 1 || ' more whom you follow'
            end
    end as reason
from suggested_people
inner join named_users as users on suggested_people.user_key = users.user_key
cross join
    lateral unnest(
        suggested_people.person_keys,
        suggested_people.scores,
        suggested_people.followed_by,
        suggested_people.n_followed_by
    ) with ordinality
        as entries (person_key, score, followed_by, n_followed_by, rank)
left join named_users as people on entries.person_key = people.user_key
left join items on -entries.person_key = items.item_key
left join named_users as friends on entries.followed_by = friends.user_key;

create or replace view user_topics as
with newest as (
    select max(published_nights.night) as night
    from published_nights
)

select
    users.user_id,
    topics.topic_key,
    topics.name as topic,
    (
        topic_masses.mass * power(
            2, -greatest(coalesce(newest.night - topic_masses.as_of, 0), 0) / topic_masses.half_life
        )
    )::real as mass,
    topic_masses.share,
    topic_masses.usual_share,
    case
        when topic_masses.share - topic_masses.usual_share >= 0.05 then 'up'
        when topic_masses.usual_share - topic_masses.share >= 0.05 then 'down'
        else 'steady'
    end as trend,
    topic_masses.as_of
from topic_masses
inner join named_users as users on topic_masses.user_key = users.user_key
inner join topics on topic_masses.topic_key = topics.topic_key
cross join newest;

-- noqa: disable=RF01
create or replace function profile(user_id text, n integer default 5)
returns table (
    rank integer,
    sentence text,
    topic_key integer,
    topic text,
    share real,
    trend text,
    n_interactions integer,
    n_days integer,
    first_day date,
    last_day date,
    event_ids text[],
    item_ids text[]
)
language sql stable parallel safe rows 5 security definer
begin atomic
    with theirs as (
        select
            user_topics.topic_key,
            user_topics.topic,
            user_topics.share,
            user_topics.trend,
            users.user_key,
            row_number() over (
                order by user_topics.share desc, user_topics.topic_key asc
            ) as rank
        from named_users as users
        inner join user_topics on users.user_id = user_topics.user_id
        where users.user_id = profile.user_id
    ),

    told as (
        select
            theirs.rank::integer as rank,
            theirs.topic_key,
            theirs.topic,
            theirs.share,
            theirs.trend,
            count(*)::integer as n_interactions,
            count(distinct evidence.day)::integer as n_days,
            min(evidence.day) as first_day,
            max(evidence.day) as last_day,
            (
                array_agg(
                    evidence.event_id
                    order by evidence.occurred_at desc, evidence.event_id asc
                )
            )[:20] as event_ids,
            (
                array_agg(
                    items.item_id
                    order by evidence.occurred_at desc, evidence.event_id asc
                )
                filter (where items.item_id is not null)
            )[:20] as item_ids,
            (
                array_agg(
                    event_types.verb || ' ' || quoted_title(coalesce(items.title, items.item_id))
                    || ' on ' || evidence.day
                    order by evidence.occurred_at desc, evidence.event_id asc
                )
                filter (where items.item_id is not null)
            )[1] as newest
        from theirs
        inner join topic_evidence as evidence
            on theirs.user_key = evidence.user_key and theirs.topic_key = evidence.topic_key
        inner join event_types on evidence.event_type_key = event_types.event_type_key
        left join items on evidence.item_key = items.item_key
        where theirs.rank <= profile.n
        group by theirs.rank, theirs.topic_key, theirs.topic, theirs.share, theirs.trend
    )

    select
        told.rank,
        told.topic || ': ' || round(100 * told.share::numeric) || '% of the interest'
        || case told.trend
            when 'up' then ', more than usual'
            when 'down' then ', less than usual'
            else ''
        end
        || '; '
        || case
            when told.n_interactions = 1 then '1 interaction on ' || told.last_day
            when told.n_days = 1 then told.n_interactions || ' interactions on ' || told.last_day
            else
                told.n_interactions || ' interactions on ' || told.n_days || ' days from '
                || told.first_day || ' to ' || told.last_day
        end
        || coalesce('; last ' || told.newest, '')
        || '.',
        told.topic_key,
        told.topic,
        told.share,
        told.trend,
        told.n_interactions,
        told.n_days,
        told.first_day,
        told.last_day,
        told.event_ids,
        coalesce(told.item_ids, '{}')
    from told
    order by told.rank;
end;

create or replace function recommend(user_id text, n integer default 10)
returns setof recommendations
language plpgsql stable parallel safe security definer rows 10
set plan_cache_mode = force_generic_plan
as $$
declare
    reader integer;
    newest date;
    latest recommendation_lists;
    day_before date;
    n_known integer := 0;
    n_added integer;
begin
    if recommend.n is null or recommend.n < 1 then
        return;
    end if;
    select users.user_key into reader
    from named_users as users
    where users.user_id = recommend.user_id;
    if found then
        newest := greatest(
            (select max(published_nights.night) from published_nights),
            (select max(provisional_nights.night) from provisional_nights)
        );
        select lists.* into latest
        from recommendation_lists as lists
        where lists.user_key = reader and lists.night = newest;
        if not found then
            select lists.* into latest
            from recommendation_lists as lists
            where lists.user_key = reader
            order by lists.night desc
            limit 1;
        end if;
    end if;
    if latest.night is not null then
        -- A list of a night is read on the day after it, a provisional one on the day itself.
        day_before := latest.night - exists (
            select from provisional_nights where provisional_nights.night = latest.night
        )::integer;
        return query
        select
            recommend.user_id,
            entries.rank::integer,
            items.item_id,
            entries.score,
            reason_in_words(
                entries.reason_kind,
                coalesce(reason_items.title, reason_items.item_id),
                event_types.verb,
                entries.reason_detail,
                day_before + 1 - date '1970-01-01' - entries.reason_day
            ),
            strategies.strategy,
            variants.variant,
            latest.night,
            models.model_id,
            told.reasons
        from unnest(
            latest.item_keys[:recommend.n],
            latest.scores[:recommend.n],
            latest.reason_kinds[:recommend.n],
            latest.reason_items[:recommend.n],
            latest.reason_details[:recommend.n],
            latest.reason_days[:recommend.n]
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
                and entries.reason_detail = event_types.event_type_key
        left join
            reasons_of_entries(
                latest.scores,
                latest.part_kinds,
                latest.part_items,
                latest.part_details,
                latest.part_days,
                latest.parts,
                day_before,
                recommend.n
            ) as told
            on entries.rank = told.rank
        order by entries.rank;
        get diagnostics n_known = row_count;
    end if;
    if n_known >= recommend.n then
        return;
    end if;
    return query
    select
        recommend.user_id,
        (row_number() over (order by cold.rank) + n_known)::integer,
        cold.item_id,
        cold.score,
        cold.reason,
        'cold_start',
        null::text,
        cold.night,
        cold.model_id,
        null::jsonb
    from cold_start_recommendations as cold
    where
        cold.item_key != all(coalesce(latest.item_keys[:recommend.n], '{}'))
        and not exists (
            select
            from used_up_items
            where
                used_up_items.user_key = reader
                and used_up_items.item_key = cold.item_key
        )
    order by 2
    limit recommend.n - n_known;
    get diagnostics n_added = row_count;
    if n_known + n_added > 0 then
        return;
    end if;
    return query
    select
        recommend.user_id,
        (row_number() over (order by items.item_id))::integer,
        items.item_id,
        0::real,
        'in the catalogue',
        'catalogue',
        null::text,
        null::date,
        null::text,
        null::jsonb
    from items
    where items.is_listed and items.is_available
    order by 2
    limit recommend.n;
end
$$;
-- noqa: enable=RF01

-- For analysts, where users are called by pseudonyms, and empty where they are not: what somebody
-- did on a day, without the time of day, without what they wrote, and without the source's number
-- of the event, by which it could be found there.
create view pseudonymous_interactions as
select
    users.user_id as pseudonym,
    interactions.day,
    event_types.event_type,
    items.item_id,
    interactions.value
from interactions
inner join users on interactions.user_key = users.user_key
inner join event_types on interactions.event_type_key = event_types.event_type_key
left join items on interactions.item_key = items.item_key
where exists (select from identity_keys);

-- The same of topics: which ones somebody is in.
create view pseudonymous_topics as
select
    users.user_id as pseudonym,
    user_topics.topic_key,
    user_topics.topic,
    user_topics.mass,
    user_topics.share,
    user_topics.trend
from user_topics
inner join named_users on user_topics.user_id = named_users.user_id
inner join users on named_users.user_key = users.user_key
where exists (select from identity_keys);

insert into access_rules (role, kind, name, columns) values
('reader', 'relation', 'named_users', '{user_key,user_id}'),
('analyst', 'relation', 'pseudonymous_interactions', null),
('analyst', 'relation', 'pseudonymous_topics', null);
