-- What a night writes of each user costs what it holds, as in 0016 and 0024: see docs/adr/0015. One
-- row of arrays a user, where there were thirty rows and entries of an index; and no lookup of
-- keys that the same transaction has read.
alter table topic_masses rename to shares_by_topic;

create table topic_shares (
    user_key integer primary key,
    as_of date not null, -- the user's last active day, from whose end masses are seen
    half_life real not null, -- days, of masses and shares
    topic_keys integer[] not null, -- ascending; the others are of one length with it
    masses real[] not null,
    shares real[] not null,
    usual_shares real[] not null -- at the longest half-life
);

insert into topic_shares (
    user_key, as_of, half_life, topic_keys, masses, shares, usual_shares
)
select
    shares_by_topic.user_key,
    max(shares_by_topic.as_of),
    max(shares_by_topic.half_life),
    array_agg(shares_by_topic.topic_key order by shares_by_topic.topic_key),
    array_agg(shares_by_topic.mass order by shares_by_topic.topic_key),
    array_agg(shares_by_topic.share order by shares_by_topic.topic_key),
    array_agg(shares_by_topic.usual_share order by shares_by_topic.topic_key)
from shares_by_topic
group by shares_by_topic.user_key;

-- One row a user and topic that the user's interactions speak for.
create view topic_masses as
select
    topic_shares.user_key,
    told.topic_key,
    topic_shares.as_of,
    topic_shares.half_life,
    told.mass,
    told.share,
    told.usual_share
from topic_shares
cross join
    lateral unnest(
        topic_shares.topic_keys, topic_shares.masses, topic_shares.shares, topic_shares.usual_shares
    ) as told (topic_key, mass, share, usual_share);

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
        told.mass
        * power(2, -greatest(coalesce(newest.night - told.as_of, 0), 0) / told.half_life)
    )::real as mass,
    told.share,
    told.usual_share,
    case
        when told.share - told.usual_share >= 0.05 then 'up'
        when told.usual_share - told.share >= 0.05 then 'down'
        else 'steady'
    end as trend,
    told.as_of
from topic_masses as told
inner join named_users as users on told.user_key = users.user_key
inner join topics on told.topic_key = topics.topic_key
cross join newest;

create or replace view topic_evidence as
select
    told.user_key,
    told.topic_key,
    told.as_of,
    interactions.event_id,
    interactions.day,
    interactions.occurred_at,
    interactions.item_key,
    interactions.event_type_key
from topic_masses as told
inner join interactions
    on told.user_key = interactions.user_key and told.as_of >= interactions.day
left join topic_items on interactions.item_key = topic_items.item_key
left join topic_texts on interactions.text_key = topic_texts.text_key
where told.topic_key in (topic_items.topic_key, topic_texts.topic_key);

drop table shares_by_topic;

-- With the user first, the key finds a user's rows of any model too.
alter table interests
drop constraint interests_user_key_fkey,
drop constraint interests_model_key_fkey,
drop constraint interests_pkey,
add constraint interests_pkey primary key (user_key, model_key, night, half_life);
drop index interests_user_key_idx;

-- A day's counts lie together: written at one end of the index, read by day.
alter table daily_trends
drop constraint daily_trends_pkey,
add constraint daily_trends_pkey primary key (day, item_key);
drop index daily_trends_day_idx;
