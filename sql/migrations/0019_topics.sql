-- Interests in words: topics over the catalogue, every user's share in them, and a text of it.

-- One row a topic. Its key is never given to another one: a topic that dies is retired.
create table topics (
    topic_key integer primary key,
    encoder_id text not null,
    centroid vector not null, -- a unit vector
    name text not null,
    named_by text not null, -- keywords, or the generator's id
    keywords text[] not null, -- best first
    example_keys integer[] not null, -- items that fit best, best first
    since date not null, -- the night that made it
    retired date -- the night that found it no more
);

-- Readers of topics never meet two of one name.
create unique index topics_name_idx on topics (name) where retired is null;

-- At most one row: how the topics of now were found.
create table topic_fits (
    fit integer not null, -- counts up
    fitted_on date not null,
    encoder_id text not null,
    wanted integer, -- topics asked for; null for as many as suit the catalogue
    n_texts integer not null,
    poor_below real not null -- cosine: a tenth of the texts fitted less well at first
);

-- One row an item with a text, that a night has met: the topic that it is nearest to.
create table topic_items (
    item_key integer primary key references items on delete cascade,
    text_key integer not null references texts on delete cascade, -- the text that was looked at
    topic_key integer not null references topics,
    closeness real not null -- cosine
);

-- An item's text that goes takes its row along; a topic shows its items.
create index topic_items_text_key_idx on topic_items (text_key);
create index topic_items_topic_key_idx on topic_items (topic_key);

-- One row a text that users wrote and that counts: the topic that it is nearest to; null where
-- none is near.
create table topic_texts (
    text_key integer primary key references texts on delete cascade,
    topic_key integer references topics,
    closeness real not null
);

-- One row a user and topic that the user's interactions speak for, seen from the end of the
-- user's last active day. Shares are of all the user's topics, and stay while the user is idle.
create table topic_masses (
    user_key integer not null references users on delete cascade,
    topic_key integer not null references topics,
    as_of date not null,
    half_life real not null, -- days, of mass and share
    mass real not null,
    share real not null,
    usual_share real not null, -- at the longest half-life
    primary key (user_key, topic_key)
);

-- One row a day that was counted.
create table topic_days (
    day date primary key,
    fingerprint text not null -- of its interactions, the weights and the topics
);

-- One row a counted day and active user, to find whom a changed day concerns.
create table topic_user_days (
    day date not null references topic_days on delete cascade,
    user_key integer not null references users on delete cascade,
    primary key (day, user_key)
);

-- Forgetting a user does not read all days.
create index topic_user_days_user_key_idx on topic_user_days (user_key);

-- One row a question and generator: what it answered, if that may be shown. No text of a user is
-- part of a question.
create table generated_names (
    question bytea not null, -- hash of the prompt
    generator_id text not null,
    name text, -- null where the answer was refused
    refused text, -- why, in our words
    answered_on date not null, -- the night that asked
    primary key (question, generator_id),
    constraint generated_names_name_check check ((name is null) != (refused is null))
);

-- The topics that live, largest first.
create view catalogue_topics as
select
    topics.topic_key,
    topics.name,
    topics.named_by,
    topics.keywords,
    topics.since,
    count(items.item_key)::integer as n_items,
    (
        select coalesce(array_agg(examples.item_id order by entries.place), '{}')
        from unnest(topics.example_keys) with ordinality as entries (item_key, place)
        inner join items as examples on entries.item_key = examples.item_key
    ) as examples
from topics
left join topic_items on topics.topic_key = topic_items.topic_key
left join items on topic_items.item_key = items.item_key and items.is_listed
where topics.retired is null
group by topics.topic_key;

-- One row a listed item that has a text: its topic.
create view item_topics as
select
    items.item_id,
    topics.topic_key,
    topics.name as topic,
    topic_items.closeness
from topic_items
inner join items on topic_items.item_key = items.item_key
inner join topics on topic_items.topic_key = topics.topic_key
where items.is_listed;

-- One row a user and topic. The mass ebbs until the newest night; the trend holds what the user did
-- lately against what they do over the longest half-life.
create view user_topics as
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
inner join users on topic_masses.user_key = users.user_key
inner join topics on topic_masses.topic_key = topics.topic_key
cross join newest;

-- Which interactions speak for a user's topics: by their item, by what the user wrote, or both.
create view topic_evidence as
select
    topic_masses.user_key,
    topic_masses.topic_key,
    topic_masses.as_of,
    interactions.event_id,
    interactions.day,
    interactions.occurred_at,
    interactions.item_key,
    interactions.event_type_key
from topic_masses
inner join interactions
    on
        topic_masses.user_key = interactions.user_key
        and topic_masses.as_of >= interactions.day
left join topic_items on interactions.item_key = topic_items.item_key
left join topic_texts on interactions.text_key = topic_texts.text_key
where topic_masses.topic_key in (topic_items.topic_key, topic_texts.topic_key);

-- A title as evidence quotes it: on one line, without quotation marks of its own, cut.
create function quoted_title(title text) returns text
language sql immutable parallel safe
begin atomic
    with cleaned as (
        select
            translate(
                regexp_replace(title, '[[:cntrl:][:space:]]+', ' ', 'g'), '"“”„', ''''''''''
            ) as words
    )

    select
        '"'
        || case
            when length(cleaned.words) > 60 then left(cleaned.words, 59) || '…'
            else cleaned.words
        end
        || '"'
    from cleaned;
end;

-- profile.user_id and profile.n are the function's arguments:
-- noqa: disable=RF01

-- What a user is interested in, in sentences, the largest share first, for people and for other
-- models to read. Every claim of a sentence stands on the interactions that `event_ids` begins
-- with, newest first: `n_interactions` in all. What is in quotation marks is the catalogue's.
create function profile(user_id text, n integer default 5)
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
        from users
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
-- noqa: enable=RF01

insert into access_rules (role, kind, name, columns) values
('reader', 'relation', 'catalogue_topics', null),
('reader', 'relation', 'item_topics', null),
('reader', 'relation', 'user_topics', null),
('reader', 'function', 'profile', null),
('analyst', 'relation', 'catalogue_topics', null),
('analyst', 'relation', 'item_topics', null);
