-- Everything of a user out of the schema. Which tables that takes, the schema itself tells (the
-- view user_columns): some of these queries write the statements that are run next.

-- name: key_of_user
select users.user_key
from named_users as users
where users.user_id = %(user_id)s;

-- name: all_user_ids
select users.user_id from named_users as users;

-- name: name_of_user
-- What the tables call a user: a pseudonym, or as the source does.
select users.user_id
from users
where users.user_key = %(user_key)s;

-- name: first_day_of_user
select min(interactions.day)
from interactions
where interactions.user_key = %(user_key)s;

-- name: create_texts_in_question!
-- What the users wrote, before that is forgotten.
create temporary table texts_in_question on commit drop as
select distinct interactions.text_key
from interactions
where interactions.user_key = any(%(user_keys)s) and interactions.text_key is not null;

-- name: question_texts_of_nobody!
-- A night that was cut off may have embedded what the users wrote ahead of taking it.
insert into texts_in_question (text_key)
select texts.text_key
from texts
where
    not exists (
        select
        from interactions
        where interactions.text_key = texts.text_key
    )
    and not exists (
        select
        from items
        where items.text_key = texts.text_key
    )
    and not exists (
        select
        from texts_in_question
        where texts_in_question.text_key = texts.text_key
    );

-- name: count_users_off!
-- Their interactions out of the numbers of each day.
update interaction_days
set n_interactions = interaction_days.n_interactions - theirs.n
from (
    select
        interactions.day,
        count(*) as n
    from interactions
    where interactions.user_key = any(%(user_keys)s)
    group by interactions.day
) as theirs
where interaction_days.day = theirs.day;

-- name: count_lists_off!
-- Their lists out of the numbers of each night.
with theirs as (
    select
        recommendation_lists.night,
        count(*) as n
    from recommendation_lists
    where recommendation_lists.user_key = any(%(user_keys)s)
    group by recommendation_lists.night
),

provisional as (
    update provisional_nights
    set n_lists = provisional_nights.n_lists - theirs.n
    from theirs
    where provisional_nights.night = theirs.night
)

update published_nights
set n_lists = published_nights.n_lists - theirs.n
from theirs
where published_nights.night = theirs.night;

-- name: forget_as_neighbours!
-- Out of the neighbours of other users.
with kept as (
    select
        user_neighbours.user_key,
        array_agg(entries.neighbour_key order by entries.place) as neighbour_keys,
        array_agg(entries.score order by entries.place) as scores
    from user_neighbours
    cross join
        lateral unnest(user_neighbours.neighbour_keys, user_neighbours.scores) with ordinality
            as entries (neighbour_key, score, place)
    where
        user_neighbours.neighbour_keys && %(user_keys)s::integer[]
        and entries.neighbour_key != all(%(user_keys)s::integer[])
    group by user_neighbours.user_key
)

update user_neighbours
set
    neighbour_keys = coalesce(kept.neighbour_keys, '{}'),
    scores = coalesce(kept.scores, '{}')
from user_neighbours as before
left join kept on before.user_key = kept.user_key
where
    user_neighbours.user_key = before.user_key
    and before.neighbour_keys && %(user_keys)s::integer[];

-- name: forget_as_people!
-- Suggestions that rest on them go whole: the next night makes those users' anew.
delete from suggested_people
where person_keys && %(person_keys)s::integer[] or followed_by && %(person_keys)s::integer[];

-- name: deletes_of_users
-- For each table with rows of users, but for users itself: the statement that deletes some users'.
select
    user_columns.relation,
    format(
        'with deleted as (delete from %I where %I = any(%%(user_keys)s) returning 1) '
        'select count(*) from deleted',
        user_columns.relation, user_columns.column_name
    ) as statement
from user_columns
where user_columns.relation != 'users' and not user_columns.is_array
order by user_columns.relation, user_columns.column_name;

-- name: keep_texts_of_others!
-- Of those, what somebody else wrote too, or an item has, is theirs.
delete from texts_in_question
where
    exists (
        select
        from interactions
        where interactions.text_key = texts_in_question.text_key
    )
    or exists (
        select
        from items
        where items.text_key = texts_in_question.text_key
    );

-- name: delete_vectors_of_texts!
delete from text_vectors
where text_key in (select texts_in_question.text_key from texts_in_question);

-- name: delete_texts!
delete from texts
where text_key in (select texts_in_question.text_key from texts_in_question);

-- name: drop_texts_in_question!
drop table texts_in_question;

-- name: delete_users!
delete from users
where user_key = any(%(user_keys)s);

-- name: delete_rejected_of_user
-- Rejected rows of a user; of a line that could not be read, one of whose cells is the id.
with deleted as (
    delete from rejected_interactions
    where
        row ->> 'user_id' = any(%(user_names)s)
        or (
            not row ? 'user_id'
            and string_to_array(regexp_replace(row ->> 'line', '["[:space:]]', '', 'g'), ',')
            && %(user_names)s::text[]
        )
    returning
        day,
        step
),

theirs as (
    select
        deleted.day,
        count(*) as n
    from deleted
    where deleted.step = 'extract'
    group by deleted.day
),

counted as (
    update interaction_days
    set n_rejected = interaction_days.n_rejected - theirs.n
    from theirs
    where interaction_days.day = theirs.day
)

select count(*)
from deleted;

-- name: forget_in_ledger!
-- What an error or a note quotes. A short id is a word like any other, so it is looked for between
-- quotation marks or brackets.
with quoted as (
    select
        case
            when length(%(user_id)s) < %(distinctive)s then '(?<=[''"(])' else '(?<!\w)'
        end
        || regexp_replace(%(user_id)s, '([^[:alnum:]_[:space:]])', '\\\1', 'g')
        || case
            when length(%(user_id)s) < %(distinctive)s then '(?=[''")])' else '(?!\w)'
        end as pattern
),

redacted as (
    select
        nights.day,
        nights.step,
        regexp_replace(nights.error, quoted.pattern, '[erased]', 'g') as error,
        regexp_replace(nights.note, quoted.pattern, '[erased]', 'g') as note
    from nights
    cross join quoted
)

update nights
set
    error = redacted.error,
    note = redacted.note
from redacted
where
    nights.day = redacted.day
    and nights.step = redacted.step
    and (nights.error, nights.note) is distinct from (redacted.error, redacted.note);

-- name: create_person!
-- The item that stands for a user in a social place, where there is one.
create temporary table person on commit drop as
select
    items.item_key,
    items.text_key
from items
where items.item_id = %(user_id)s;

-- name: keys_of_person
select person.item_key from person;

-- name: delete_vector_of_person!
delete from item_vectors
where item_key in (select person.item_key from person);

-- name: delete_neighbours_of_person!
delete from item_neighbours
where item_key in (select person.item_key from person);

-- name: delete_links_of_person!
delete from duplicates
where
    item_key in (select person.item_key from person)
    or original_key in (select person.item_key from person);

-- name: forget_person!
-- Others' interactions with them stay, and so do others' totals; what they were called does not.
update items
set
    item_id = %(pseudonym)s,
    title = null,
    category = null,
    is_listed = false,
    is_available = false,
    created_at = null,
    source_hash = null,
    text_key = null
where item_key in (select person.item_key from person);

-- name: forget_person_in_rejected!
update rejected_interactions
set row = jsonb_set(row, '{item_id}', to_jsonb(%(pseudonym)s::text))
where row ->> 'item_id' = %(user_id)s;

-- name: question_text_of_person!
insert into texts_in_question (text_key)
select person.text_key
from person
where
    person.text_key is not null
    and person.text_key not in (select texts_in_question.text_key from texts_in_question);

-- name: drop_person!
drop table person;

-- name: searches_for_key
-- For each column that holds keys of users: the statement that counts the rows with one user's.
select
    user_columns.relation || '.' || user_columns.column_name as place,
    case
        when user_columns.is_array
            then
                format(
                    'select count(*) from %I where %%(user_key)s = any(%I)',
                    user_columns.relation, user_columns.column_name
                )
        else
            format(
                'select count(*) from %I where %I = %%(user_key)s',
                user_columns.relation, user_columns.column_name
            )
    end as statement
from user_columns
order by place;

-- name: searches_for_id
-- For each column of the schema that can hold text: the statement that counts the rows in which an
-- id is the whole value, and those in which it stands somewhere else. In JSON a whole value is what
-- a key user_id has. The tables of the erasures themselves hold no id in clear.
select
    columns.relation || '.' || columns.column_name as place,
    columns.column_name,
    case columns.type_name
        when 'text'
            then
                format(
                    'select count(*) filter (where %1$I = %%(user_id)s), '
                    'count(*) filter (where %1$I != %%(user_id)s '
                    'and strpos(%1$I, %%(sought)s) > 0) from %2$I',
                    columns.column_name, columns.relation
                )
        when 'text[]'
            then
                format(
                    'select count(*) filter (where %%(user_id)s = any(%1$I)), '
                    'count(*) filter (where strpos(%1$I::text, %%(sought)s) > 0 '
                    'and not %%(user_id)s = any(%1$I)) from %2$I',
                    columns.column_name, columns.relation
                )
        when 'jsonb'
            then
                format(
                    'select count(*) filter (where jsonb_path_exists(%1$I::jsonb, '
                    '''$.**.user_id ? (@ == $id)'', jsonb_build_object(''id'', %%(user_id)s))), '
                    'count(*) filter (where not jsonb_path_exists(%1$I::jsonb, '
                    '''$.**.user_id ? (@ == $id)'', jsonb_build_object(''id'', %%(user_id)s)) '
                    'and (strpos(%1$I::text, %%(sought)s) > 0 or jsonb_path_exists(%1$I::jsonb, '
                    '''$.** ? (@ == $id)'', jsonb_build_object(''id'', %%(user_id)s)))) from %2$I',
                    columns.column_name, columns.relation
                )
        when 'bytea'
            then
                format(
                    'select count(*) filter (where %1$I = convert_to(%%(user_id)s, ''UTF8'')), 0 '
                    'from %2$I',
                    columns.column_name, columns.relation
                )
    end as statement
from (
    select
        pg_class.relname::text as relation,
        pg_attribute.attname::text as column_name,
        case
            when pg_type.typname in ('json', 'jsonb') then 'jsonb'
            when pg_type.typname = 'bytea' then 'bytea'
            when pg_type.typcategory = 'S' then 'text'
            when elements.typcategory = 'S' then 'text[]'
        end as type_name
    from pg_class
    inner join pg_attribute on pg_class.oid = pg_attribute.attrelid
    inner join pg_type on pg_attribute.atttypid = pg_type.oid
    left join pg_type as elements on pg_type.typelem = elements.oid and pg_type.typcategory = 'A'
    where
        pg_class.relnamespace = current_schema()::regnamespace
        and not pg_class.relispartition
        and (
            pg_class.relkind in ('r', 'p')
            or pg_class.relname = 'identities' -- a table apart
        )
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
) as columns
where columns.type_name is not null
order by place;

-- name: rows_in_source
-- What the source still has of a user.
select
    (
        select count(*) from source_events
        where source_events.user_id = %(user_id)s
    )
    + (
        select count(*) from source_users
        where source_users.user_id = %(user_id)s
    );

-- name: delete_loaded_events!
delete from app.events
where user_id = %(user_id)s;

-- name: delete_loaded_users!
delete from app.users
where user_id = %(user_id)s;

-- name: models_that_learned_from
-- Learned models that were trained on days after a user's first, and may know something of them.
select
    models.model_id,
    models.state
from models
where
    models.trained_until > %(first_day)s
    and models.artifact is not null
order by models.model_key;

-- name: encoders_with_origin
-- Encoders that were added by name; which of them were tuned, their folders tell.
select
    encoders.name,
    encoders.state,
    encoders.specification
from encoders
order by encoders.name;

-- name: lock_erasures!
-- An erasure waits until files that are being loaded are in, and they wait for it: nothing of the
-- user slips in between.
lock table erasures in exclusive mode;

-- name: share_erasures!
lock table erasures in share mode;

-- name: erasure_key
select erasure_keys.key from erasure_keys;

-- name: insert_erasure_key!
insert into erasure_keys (key)
values (%(key)s)
on conflict (is_only) do nothing;

-- name: tombstones
select
    erasures.tombstone,
    erasures.key_id
from erasures;

-- name: erasure_of
select erasures.report
from erasures
where erasures.tombstone = any(%(tombstones)s::bytea[]);

-- name: upsert_erasure!
insert into erasures (tombstone, key_id, erased_at, report)
values (%(tombstone)s, %(key_id)s, %(erased_at)s, %(report)s::json)
on conflict (tombstone) do update
    set
        erased_at = excluded.erased_at,
        report = excluded.report;

-- name: staged_user_ids
-- Whose events a night is about to take, and in a social place whom they are about.
select distinct staged.user_id
from staged
where staged.user_id is not null
union
select staged.item_id
from staged
where %(has_people)s and staged.item_id is not null;

-- name: delete_staged_of!
delete from staged
where user_id = any(%(user_ids)s);

-- name: rename_staged_items!
-- Whom others go on following, or write about, has no name any more.
update staged
set
    item_id = renamed.pseudonym,
    source_row = jsonb_set(staged.source_row, '{item_id}', to_jsonb(renamed.pseudonym))
from unnest(%(user_ids)s::text[], %(pseudonyms)s::text[]) as renamed (user_id, pseudonym)
where staged.item_id = renamed.user_id;

-- name: known_user_ids
select known_users.user_id from known_users;

-- name: delete_known_users_of!
delete from known_users
where user_id = any(%(user_ids)s);

-- name: loaded_user_ids_events
select distinct staged_events.user_id
from staged_events
where staged_events.user_id is not null
union
select rejected_rows.source_row ->> 'user_id' as user_id
from rejected_rows
where rejected_rows.source_row ? 'user_id';

-- name: loaded_user_ids_users
select distinct staged_users.user_id
from staged_users
where staged_users.user_id is not null
union
select rejected_rows.source_row ->> 'user_id' as user_id
from rejected_rows
where rejected_rows.source_row ? 'user_id';

-- name: delete_loaded_of_events
with rejected as (
    delete from rejected_rows
    where source_row ->> 'user_id' = any(%(user_ids)s)
    returning line
),

staged as (
    delete from staged_events
    where user_id = any(%(user_ids)s)
    returning line
)

select (select count(*) from rejected) + (select count(*) from staged);

-- name: delete_loaded_of_users
with rejected as (
    delete from rejected_rows
    where source_row ->> 'user_id' = any(%(user_ids)s)
    returning line
),

staged as (
    delete from staged_users
    where user_id = any(%(user_ids)s)
    returning line
)

select (select count(*) from rejected) + (select count(*) from staged);
