-- Forgetting: users who must never come back, and what finding and deleting their rows takes.

-- At most one row: what ids of erased users are hashed with where RECSYS_ERASURE_KEY gives no key.
create table erasure_keys (
    is_only boolean primary key default true,
    key bytea not null, -- 32 random bytes
    constraint erasure_keys_is_only_check check (is_only)
);

-- One row an erased user. None holds an identity: whoever has an id and the key can find its row,
-- and nobody can read an id from a row.
create table erasures (
    tombstone bytea primary key, -- a keyed hash of the id
    key_id text not null, -- names the key that it takes
    erased_at timestamptz not null,
    report json not null -- what was deleted, signed
);

-- Columns that hold keys of users: by their name, by their foreign key, or, for arrays, by a
-- comment that begins with "keys of users". Whoever is erased or exported is looked for in all of
-- them, so that a table of a later version is found without being listed anywhere.
create view user_columns as
select
    pg_class.relname::text as relation,
    pg_attribute.attname::text as column_name,
    pg_attribute.atttypid = 'integer[]'::regtype as is_array
from pg_class
inner join pg_attribute on pg_class.oid = pg_attribute.attrelid
where
    pg_class.relnamespace = (
        select users.relnamespace from pg_class as users
        where users.oid = 'users'::regclass
    )
    and pg_class.relkind in ('r', 'p')
    and not pg_class.relispartition -- its parent stands for it
    and pg_attribute.attnum > 0
    and not pg_attribute.attisdropped
    and (
        pg_attribute.attname in ('user_key', 'user_keys')
        or starts_with(col_description(pg_class.oid, pg_attribute.attnum), 'keys of users')
        or exists (
            select
            from pg_constraint
            where
                pg_constraint.conrelid = pg_class.oid
                and pg_constraint.contype = 'f'
                and pg_constraint.confrelid = 'users'::regclass
                and pg_attribute.attnum = any(pg_constraint.conkey)
        )
    );

comment on column user_neighbours.neighbour_keys is 'keys of users';
comment on column suggested_people.person_keys is 'keys of users, or negative keys of items';
comment on column suggested_people.followed_by is 'keys of users; 0 for nobody';

-- Finding a user's rows, also for the foreign keys of a deleted row, without reading all others.
create index daily_interests_user_key_idx on daily_interests (user_key);
create index interest_totals_user_key_idx on interest_totals (user_key);
create index interests_user_key_idx on interests (user_key);
create index experiment_user_days_user_key_idx on experiment_user_days (user_key);

-- Whether anybody else wrote a text, and the foreign keys of a deleted one.
create index interactions_text_key_idx on interactions (text_key) where text_key is not null;
create index items_text_key_idx on items (text_key) where text_key is not null;
create index text_vectors_text_key_idx on text_vectors (text_key);

-- Null once the night's lists are dropped; the night stays published.
alter table published_nights alter column partition_name drop not null;

-- A draft that nobody published is dropped some day.
alter table draft_nights add column made_at timestamptz not null default now();

-- Drop the lists of a published night. Whoever is served one of them falls back to another list.
create function drop_lists(dropped_night date) returns void
language plpgsql
as $$
declare
    partition text := (select partition_name from published_nights where night = dropped_night);
begin
    if partition is null then
        return;
    end if;
    execute format('alter table recommendation_lists detach partition %I', partition);
    execute format('drop table %I', partition);
    update published_nights set partition_name = null where night = dropped_night;
end
$$;

-- Drop the draft of a night.
create function drop_draft(dropped_night date) returns void
language plpgsql
as $$
declare
    partition text := (select partition_name from draft_nights where night = dropped_night);
begin
    execute format('drop table if exists %I', partition);
    delete from draft_nights where night = dropped_night;
    delete from draft_variants where night = dropped_night;
end
$$;
