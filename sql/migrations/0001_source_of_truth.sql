-- What the warehouse takes from the source, and the state that nights build from it.
-- Every table lives in the tenant's schema, which the migration runs in.
create extension if not exists vector with schema public;

-- One row an event type. Its key goes into interactions; its verb into reasons.
create table event_types (
    event_type_key smallint generated always as identity primary key,
    event_type text not null unique,
    verb text not null,
    uses_up boolean not null, -- whether the repeat policy keeps its item out of lists
    largest_value real -- of the values taken so far; gives the scale of ratings
);

-- One row a distinct text, of an item or of a user.
create table texts (
    text_key integer generated always as identity primary key,
    content_hash bytea not null unique, -- of the cleaned text
    content text not null
);

-- One row a user who did something.
create table users (
    user_key integer generated always as identity primary key,
    user_id text not null unique
);

-- One row an item that the catalogue lists, or that somebody did something with.
create table items (
    item_key integer generated always as identity primary key,
    item_id text not null unique,
    title text,
    category text,
    is_listed boolean not null default false, -- in the source's catalogue
    is_available boolean not null default true,
    created_at timestamptz,
    source_hash bigint, -- of the source's row, to see what changed
    text_key integer references texts, -- null where the item has no text
    constraint items_is_listed_check check (not is_listed or source_hash is not null)
);

-- One row an accepted event of the source.
create table interactions (
    event_id text primary key,
    day date not null, -- in UTC
    user_key integer not null references users,
    item_key integer references items, -- null for a search
    event_type_key smallint not null references event_types,
    value real,
    occurred_at timestamptz not null,
    text_key integer references texts, -- what the user wrote
    content text -- the same, until embed_items has cleaned it
);

-- A night reads the interactions of a day; ranking reads those of a user, latest first.
create index interactions_day_idx on interactions (day);
create index interactions_user_key_idx on interactions (user_key, day desc);

-- Few have a text that is not cleaned yet: finding them does not read all the others.
create index interactions_content_idx on interactions (day) where content is not null;

-- Interactions without nulls, as binary COPY sends them: 0 stands for no item or text, NaN for no
-- value; `occurred_on` is in days from 1970-01-01.
create view dense_interactions as
select
    interactions.event_id,
    interactions.day,
    interactions.occurred_at,
    interactions.user_key,
    coalesce(interactions.item_key, 0) as item_key,
    extract(epoch from interactions.occurred_at)::float8 / 86400 as occurred_on,
    interactions.event_type_key,
    coalesce(interactions.value, 'NaN') as value,
    coalesce(items.text_key, 0) as item_text_key,
    coalesce(interactions.text_key, 0) as text_key
from interactions
left join items on interactions.item_key = items.item_key;

-- Which item a user had on which day: what the repeat policy keeps out of lists.
create view used_up_items as
select
    interactions.user_key,
    interactions.item_key,
    interactions.day
from interactions
inner join event_types on interactions.event_type_key = event_types.event_type_key
where event_types.uses_up and interactions.item_key is not null;

-- One row a day that was taken from the source.
create table interaction_days (
    day date primary key,
    source_fingerprint text not null, -- of the source's rows of that day
    rules_fingerprint text not null, -- of the rules that rejected rows
    n_interactions integer not null,
    n_rejected integer not null,
    accumulated_fingerprint text -- of what the day's deltas were made from; null: to be made
);

-- One row a rejected row of the source, kept as it came. `day` is null where the time is
-- unreadable.
create table rejected_interactions (
    day date,
    event_id text,
    reason text not null,
    row jsonb not null,
    step text not null,
    rejected_at timestamptz not null default now()
);

create index rejected_interactions_day_idx on rejected_interactions (day);

-- One row a ranking model; at most one serves.
create table models (
    model_key smallint generated always as identity primary key,
    model_id text not null unique,
    kind text not null,
    encoder_id text not null,
    dim integer not null,
    parameters jsonb not null,
    is_serving boolean not null default false,
    created_at timestamptz not null default now()
);

create unique index models_is_serving_idx on models (is_serving) where is_serving;

-- One row a text and encoder.
create table text_vectors (
    encoder_id text not null,
    text_key integer not null references texts,
    vector vector not null,
    primary key (encoder_id, text_key)
);

-- Read whole, always: no detour through TOAST.
alter table text_vectors alter column vector set storage plain;

-- One row a user, active day and half-life: what the day added, seen from its end.
-- The last coordinate of a total is the sum of signed weights, so that a centre can be taken off
-- later.
create table daily_interests (
    user_key integer not null references users,
    day date not null,
    half_life real not null, -- days
    mass real not null,
    total vector not null,
    primary key (user_key, day, half_life)
);

alter table daily_interests alter column total set storage plain;
create index daily_interests_day_idx on daily_interests (day);

-- One row a user and half-life: the fold of the user's deltas, seen from the end of the last
-- active day.
create table interest_totals (
    user_key integer not null references users,
    half_life real not null, -- days
    as_of date not null,
    mass real not null,
    alpha real not null, -- of the last merge
    total vector not null,
    primary key (user_key, half_life)
) with (fillfactor = 70);

alter table interest_totals alter column total set storage plain;

-- One row a user whose deltas changed since they were last folded; `day` is the earliest change.
create table pending_merges (
    user_key integer primary key references users,
    day date not null
);

-- One row an item and active day: users who did something good with it, by their strongest weight.
create table daily_trends (
    item_key integer not null references items,
    day date not null,
    mass real not null,
    primary key (item_key, day)
);

create index daily_trends_day_idx on daily_trends (day);

-- One row a day, step: the ledger.
create table nights (
    day date not null,
    step text not null,
    state text not null,
    counts jsonb not null default '{}',
    fingerprint text not null, -- of the settings and the model
    started_at timestamptz not null,
    finished_at timestamptz,
    error text,
    primary key (day, step),
    constraint nights_state_check check (state in ('running', 'done', 'failed'))
);
