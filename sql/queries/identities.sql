-- Pseudonyms of users, and who is behind them: the view `identities` writes into a schema apart.

-- name: identity_key_id
select identity_keys.key_id from identity_keys;

-- name: has_users
select exists(select from users) as has_users;

-- name: upsert_identity_key!
insert into identity_keys (key_id)
values (%(key_id)s)
on conflict (is_only) do update
    set key_id = excluded.key_id;

-- name: part_identities
select part_identities();

-- name: join_identities
select join_identities();

-- name: create_pseudonyms!
create temporary table pseudonyms (
    user_id text not null,
    pseudonym text not null
) on commit drop;

-- name: copy_pseudonyms!
copy pseudonyms from stdin with (format csv);

-- name: drop_pseudonyms!
drop table pseudonyms;

-- name: insert_event_pseudonyms!
with inserted as (
    insert into users (user_id)
    select pseudonyms.pseudonym
    from pseudonyms
    order by pseudonyms.user_id
    returning
        users.user_id,
        users.user_key
)

update event_users
set user_key = inserted.user_key
from inserted
inner join pseudonyms on inserted.user_id = pseudonyms.pseudonym
where event_users.user_id = pseudonyms.user_id;

-- name: strip_known_attributes!
-- What names somebody.
update known_users
set attributes = known_users.attributes - %(names)s::text[]
where jsonb_typeof(known_users.attributes) = 'object';

-- name: new_known_users
select known_users.user_id
from known_users
left join named_users on known_users.user_id = named_users.user_id
where named_users.user_key is null;

-- name: insert_known_pseudonyms!
insert into users (user_id, attributes, created_at)
select
    pseudonyms.pseudonym,
    known_users.attributes,
    known_users.created_at
from pseudonyms
inner join known_users on pseudonyms.user_id = known_users.user_id
order by pseudonyms.user_id;

-- name: insert_identities!
insert into identities (user_key, user_id)
select
    users.user_key,
    pseudonyms.user_id
from pseudonyms
inner join users on pseudonyms.pseudonym = users.user_id;

-- name: rejected_ids_staged
select distinct staged.source_row ->> 'user_id' as user_id
from staged
where staged.source_row ->> 'user_id' != '';

-- name: rename_rejected_staged!
update staged
set source_row = jsonb_set(staged.source_row, '{user_id}', to_jsonb(pseudonyms.pseudonym))
from pseudonyms
where staged.source_row ->> 'user_id' = pseudonyms.user_id;

-- name: rejected_ids_loaded
select distinct rejected_rows.source_row ->> 'user_id' as user_id
from rejected_rows
where rejected_rows.source_row ->> 'user_id' != '';

-- name: rename_rejected_loaded!
-- A line that could not be read names its user nobody knows where.
update rejected_rows
set
    source_row = case
        when pseudonyms.user_id is null
            then jsonb_set(rejected_rows.source_row, '{line}', '"[left out]"', false)
        else
            jsonb_set(rejected_rows.source_row, '{user_id}', to_jsonb(pseudonyms.pseudonym))
    end
from rejected_rows as before
left join pseudonyms on before.source_row ->> 'user_id' = pseudonyms.user_id
where rejected_rows.ctid = before.ctid;

-- name: insert_all_identities!
insert into identities (user_key, user_id)
select
    users.user_key,
    users.user_id
from users;

-- name: strip_attributes!
update users
set attributes = users.attributes - %(names)s::text[]
where jsonb_typeof(users.attributes) = 'object' and users.attributes ?| %(names)s::text[];

-- name: forget_named_in_ledger!
-- Errors and notes that hold a word that is a user's id.
update nights
set
    error = case when nights.error is not null then '[left out]' end,
    note = case when nights.note is not null then '[left out]' end
where
    exists (
        select
        from
            regexp_split_to_table(
                concat_ws(' ', nights.error, nights.note), '[\s''"(),:;=.]+'
            ) as words (word)
        inner join users on words.word = users.user_id
    );

-- name: names_in_rejected
-- What users are called in rejected rows, and by the source; null where nobody knows any more.
select
    held.name,
    named_users.user_id
from (
    select distinct rejected_interactions.row ->> 'user_id' as name
    from rejected_interactions
    where rejected_interactions.row ->> 'user_id' != ''
) as held
left join users on held.name = users.user_id
left join named_users on users.user_key = named_users.user_key;

-- name: rename_rejected!
update rejected_interactions
set row = jsonb_set(rejected_interactions.row, '{user_id}', to_jsonb(pseudonyms.pseudonym))
from pseudonyms
where rejected_interactions.row ->> 'user_id' = pseudonyms.user_id;

-- name: delete_nameless_rejected!
-- Rows of users whose former pseudonym leads nowhere.
delete from rejected_interactions
where row ->> 'user_id' = any(%(names)s);

-- name: forget_rejected_lines!
update rejected_interactions
set row = jsonb_set(rejected_interactions.row, '{line}', '"[left out]"')
where rejected_interactions.row ? 'line';

-- name: identities_after
-- Some users, in the order of their keys.
select
    identities.user_key,
    identities.user_id
from identities
where identities.user_key > %(user_key)s
order by identities.user_key
limit %(n)s;

-- name: rename_users!
update users
set user_id = pseudonyms.pseudonym
from pseudonyms
inner join identities on pseudonyms.user_id = identities.user_id
where users.user_key = identities.user_key;

-- name: name_users_as_the_source_does!
update users
set user_id = identities.user_id
from identities
where users.user_key = identities.user_key;

-- name: count_identities
select count(*) from identities;

-- name: forget_identity_key!
delete from identity_keys;
