-- What applications read, and the drafts that become it.

-- One row a published night.
create table published_nights (
    night date primary key,
    model_key smallint not null references models,
    partition_name text not null,
    n_lists integer not null,
    inputs_fingerprint text not null, -- of all that the lists were made from
    published_at timestamptz not null default now()
);

-- How a list came about, for whoever reads it.
create table strategies (
    strategy_key smallint primary key,
    strategy text not null unique
);

insert into strategies (strategy_key, strategy) values
(1, 'personal'), -- the user's own interactions and the trends
(2, 'trending'), -- of the user nothing is known that has a text: trends alone
(3, 'cold_start'), -- nobody is known
(4, 'catalogue'); -- no night was published yet

-- Who is shown what, when experiments run; until then everybody has the serving model's variant.
create table variants (
    variant_key smallint generated always as identity primary key,
    variant text not null unique
);

-- One row a user and night; a night is a partition. Arrays are best first and of one length.
-- A reason is a kind, and by kind an item, an event type or a horizon, and a day: see
-- reason_in_words.
create table recommendation_lists (
    night date not null,
    user_key integer not null,
    model_key smallint not null,
    strategy_key smallint not null references strategies,
    variant_key smallint not null references variants,
    item_keys integer[] not null,
    scores real[] not null,
    reason_kinds smallint[] not null,
    reason_items integer[] not null,
    reason_details smallint[] not null,
    reason_days integer[] not null, -- days from 1970-01-01
    primary key (user_key, night)
) partition by range (night);

-- The same, before the gates have let it through.
create table draft_lists (
    like recommendation_lists including all
) partition by range (night);

-- One row a night that is being made.
create table draft_nights (
    night date primary key,
    partition_name text not null,
    model_key smallint not null references models,
    inputs_fingerprint text not null,
    cold_item_keys integer[] not null,
    cold_scores real[] not null,
    cold_details smallint[] not null,
    excludes_after integer -- days after which a list may show an item again; null: never
);

-- One row a night: the list of whoever is not known.
create table cold_start_lists (
    night date primary key,
    model_key smallint not null references models,
    item_keys integer[] not null,
    scores real[] not null,
    reason_details smallint[] not null
);

-- One row an item, trend half-life and night kept: its decayed count.
create table trends (
    night date not null,
    horizon smallint not null, -- half-life in days
    rank smallint not null,
    item_key integer not null references items,
    score real not null,
    primary key (night, horizon, rank)
);

-- One row a user, half-life and night on whose day the user was active.
create table interests (
    night date not null,
    user_key integer not null references users,
    half_life real not null,
    mass real not null,
    alpha real not null,
    vector halfvec not null,
    primary key (user_key, night, half_life)
);

-- One row an item (or user): its nearest neighbours, nearest first.
create table item_neighbours (
    item_key integer primary key references items,
    neighbour_keys integer[] not null,
    scores real[] not null
);

create table user_neighbours (
    user_key integer primary key references users,
    neighbour_keys integer[] not null,
    scores real[] not null
);

-- One row a table that is made anew only when what it is made from has changed.
create table derived_tables (
    name text primary key,
    fingerprint text not null
);

-- One row an item that has a text and is listed. prepare_item_vectors gives the vector its length.
create table item_vectors (
    item_id text primary key,
    item_key integer not null unique references items,
    category text,
    is_available boolean not null,
    vector halfvec not null
);

-- One row a night, target, variant, segment, metric and k.
create table evaluations (
    night date not null,
    target text not null,
    variant text not null,
    segment text not null,
    metric text not null,
    k smallint,
    value double precision,
    ci_low double precision,
    ci_high double precision,
    n integer not null,
    constraint evaluations_grain_key unique nulls not distinct (
        night, target, variant, segment, metric, k
    )
);
