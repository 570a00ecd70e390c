-- Users who did little or nothing yet, lists while a day goes on, and people.

-- What the source says of a user, also of one who did nothing yet; null where that is nothing.
alter table users
add column attributes jsonb,
add column created_at timestamptz;

-- Few may have any: finding them does not read all the others.
create index users_attributes_idx on users (user_key) where attributes is not null;

-- Whether the day had ended when it was last taken: one that had not is looked at again.
alter table interaction_days add column is_over boolean not null default true;

insert into strategies (strategy_key, strategy) values
(5, 'attributes'); -- the user did nothing yet: attributes and the trends

-- One row a day of which lists are shown before its night has made any: of its active users, made
-- from what the day has brought so far. They are a partition of recommendation_lists like any
-- night's, and newer than the last one's; no published night, so that evaluations do not see them.
create table provisional_nights (
    night date primary key,
    partition_name text not null,
    n_lists integer not null,
    made_at timestamptz not null default now()
);

-- Take down the provisional lists of the days in [since, until].
create function drop_provisional(since date, until date) returns void
language plpgsql
as $$
declare
    partition text;
begin
    for partition in
        delete from provisional_nights
        where night between since and until
        returning partition_name
    loop
        execute format('alter table recommendation_lists detach partition %I', partition);
        execute format('drop table %I', partition);
    end loop;
end
$$;

-- Show the draft of a day in place of the provisional lists that it has. Those of days before stay:
-- for some users they are the newest until the night of their day is published.
create function publish_provisional(draft_night date) returns integer
language plpgsql
as $$
declare
    n integer;
begin
    perform drop_provisional(draft_night, draft_night);
    perform publish_draft(draft_night);
    select count(*) into n from recommendation_lists where night = draft_night;
    insert into provisional_nights (night, partition_name, n_lists)
    select draft_nights.night, draft_nights.partition_name, n
    from draft_nights
    where draft_nights.night = draft_night;
    delete from draft_nights where draft_nights.night = draft_night;
    delete from draft_variants where draft_variants.night = draft_night;
    return n;
end
$$;

-- One row a user: people to follow, best first. A person is a user's key, or the negative key of an
-- item that stands for somebody who never acted. `followed_by` are keys of users whom the user
-- follows, 0 where interest says more; `n_followed_by` is how many of these follow the person.
create table suggested_people (
    user_key integer primary key references users,
    night date not null, -- as of which they were found
    person_keys integer[] not null,
    scores real[] not null,
    followed_by integer[] not null,
    n_followed_by integer[] not null
);

-- People whom users might follow, in a social place; empty in others.
create view people_to_follow as
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
inner join users on suggested_people.user_key = users.user_key
cross join
    lateral unnest(
        suggested_people.person_keys,
        suggested_people.scores,
        suggested_people.followed_by,
        suggested_people.n_followed_by
    ) with ordinality
        as entries (person_key, score, followed_by, n_followed_by, rank)
left join users as people on entries.person_key = people.user_key
left join items on -entries.person_key = items.item_key
left join users as friends on entries.followed_by = friends.user_key;

-- As before. A list of a night is read on the day after it, a provisional one on the day itself: in
-- its reasons, what happened on that day happened today.
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
from users
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
