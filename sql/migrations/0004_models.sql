-- Models as data: parameters that training found, and the state of several models side by side.

-- A model that serves makes the lists; a candidate is being tried; a kept one can serve again; a
-- retired one has nothing left but its parameters.
alter table models
add column state text not null default 'candidate',
add column artifact bytea, -- parameters of a learned model
add column artifact_sha256 bytea,
add column reranker bytea, -- parameters of its second stage
add column seed integer,
add column trained_until date, -- the day after the last one that it learned from
add column trained_on jsonb not null default '{}', -- days, users, interactions, seconds, memory
add column validation jsonb not null default '{}', -- beside the model that served then
add constraint models_state_check check (
    state in ('candidate', 'serving', 'kept', 'retired')
);

-- An artifact is compressed already.
alter table models alter column artifact set storage external;
alter table models alter column reranker set storage external;

update models set state = case when is_serving then 'serving' else 'retired' end;

drop index models_is_serving_idx;
alter table models drop column is_serving;

-- At most one serves.
create unique index models_serving_idx on models (state) where state = 'serving';

-- Deltas, totals and what is shown of them belong to a model: totals of two models never merge.
-- What is there was made by the one that serves.
do $$
declare
    serving smallint := coalesce((select model_key from models where state = 'serving'), 0);
    table_name text;
begin
    foreach table_name in array array[
        'daily_interests', 'interest_totals', 'pending_merges', 'interests'
    ] loop
        -- A default that is constant is added without rewriting the table.
        execute format(
            'alter table %I add column model_key smallint not null default %s references models',
            table_name, serving
        );
        execute format('alter table %I alter column model_key drop default', table_name);
        execute format(
            'alter table %I drop constraint %I', table_name, table_name || '_pkey'
        );
    end loop;
end
$$;

alter table daily_interests
add constraint daily_interests_pkey primary key (model_key, user_key, day, half_life);
alter table interest_totals
add constraint interest_totals_pkey primary key (model_key, user_key, half_life);
alter table pending_merges
add constraint pending_merges_pkey primary key (model_key, user_key);
alter table interests
add constraint interests_pkey primary key (model_key, user_key, night, half_life);

drop index daily_interests_day_idx;
create index daily_interests_day_idx on daily_interests (model_key, day);

-- One row a model and day that it has deltas of: what they were made from.
create table accumulated_days (
    model_key smallint not null references models,
    day date not null references interaction_days,
    fingerprint text not null,
    primary key (model_key, day)
);

insert into accumulated_days (model_key, day, fingerprint)
select
    models.model_key,
    interaction_days.day,
    interaction_days.accumulated_fingerprint
from interaction_days
cross join models
where models.state = 'serving' and interaction_days.accumulated_fingerprint is not null;

-- Trends are the same for every model; null: to be made.
alter table interaction_days rename column accumulated_fingerprint to trends_fingerprint;

-- What a step wants to be known, though it did not fail.
alter table nights add column note text;

-- As before, of the model whose vectors stand in item_vectors.
create or replace view user_interests as
select
    users.user_id,
    interests.half_life,
    interests.night,
    interests.mass,
    interests.alpha,
    interests.vector
from interests
inner join users on interests.user_key = users.user_key
inner join models on interests.model_key = models.model_key
inner join derived_tables on models.model_id = derived_tables.fingerprint
where
    derived_tables.name = 'interests'
    and interests.night <= (select max(published_nights.night) from published_nights);

-- As before, with a kind more: 4, an item that is new.
create or replace function reason_in_words(
    kind smallint, title text, verb text, horizon smallint, days_ago integer
) returns text
language sql immutable parallel safe
begin atomic
    select
        case kind
            when 1 then 'because you ' || verb || ' ' || title
            when 2 then 'because of what you wrote' || coalesce(' about ' || title, '')
            when 4 then 'new here'
            else
                'popular '
                || case
                    when horizon <= 1 then 'now'
                    when horizon <= 7 then 'this week'
                    else 'this month'
                end
        end
        || case
            when kind in (3, 4) then ''
            when days_ago < 1 then ' today'
            when days_ago = 1 then ' yesterday'
            else ' ' || days_ago || ' days ago'
        end;
end;
