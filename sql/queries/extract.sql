-- name: update_event_types!
-- What the preset says of the types that are known.
update event_types
set
    verb = rules.verb,
    uses_up = rules.uses_up
from json_to_recordset(%(rules)s) as rules (event_type text, verb text, uses_up boolean)
where
    event_types.event_type = rules.event_type
    and (event_types.verb, event_types.uses_up) != (rules.verb, rules.uses_up);

-- name: insert_event_types!
-- Its other types, in the order of their names, so that keys do not depend on who asks. A conflict
-- would use a key up every night, and there are only 32767 of them.
insert into event_types (event_type, verb, uses_up)
select
    rules.event_type,
    rules.verb,
    rules.uses_up
from json_to_recordset(%(rules)s) as rules (event_type text, verb text, uses_up boolean)
where
    not exists (
        select
        from event_types
        where event_types.event_type = rules.event_type
    )
order by rules.event_type;

-- name: create_rules!
-- What a row must satisfy, by event type.
create temporary table rules on commit drop as
select
    event_types.event_type_key,
    rules.event_type,
    rules.needs_item,
    rules.minimum,
    rules.maximum
from json_to_recordset(%(rules)s) as rules (
        event_type text, needs_item boolean, minimum float8, maximum float8
    )
inner join event_types on rules.event_type = event_types.event_type;

analyze rules;

-- name: create_days!
-- The days to look at: those before the night that were never taken or not over when they were,
-- those whose rejected rows met other rules, and the last days, where events may have come late, or
-- gone. None is older than what is kept. A day that was never taken, or by other rules, has no
-- fingerprint: it is taken whatever the source says of it.
create temporary table days on commit drop as
with span as (
    select
        least(
            -- The day of the first moment, not the first of all days: an index finds it.
            (min(source_events.occurred_at) at time zone 'UTC')::date,
            (select min(interaction_days.day) from interaction_days),
            %(day)s
        ) as first_day
    from source_events
    where
        source_events.occurred_at >= '1970-01-01'
        and source_events.occurred_at < %(day)s::date + 1
)

select
    candidates.day::date as day,
    interaction_days.day is not null as is_taken,
    case
        when interaction_days.rules_fingerprint = %(rules_fingerprint)s
            then interaction_days.source_fingerprint
    end as fingerprint
from span
cross join
    lateral generate_series(span.first_day, %(day)s::date, '1 day') as candidates (day)
left join interaction_days on candidates.day = interaction_days.day
where
    candidates.day >= %(oldest)s
    and (
        interaction_days.day is null
        or not interaction_days.is_over
        or candidates.day >= %(day)s::date - %(late_days)s
        or (
            interaction_days.n_rejected > 0
            and interaction_days.rules_fingerprint != %(rules_fingerprint)s
        )
    );

-- A plan for thousands of days would sort the source.
analyze days;

-- name: create_changed_days!
-- Of those, the days whose rows in the source are not what was taken. Only what a night reads of a
-- row counts, so that whoever writes the same events again changes nothing.
create temporary table changed_days on commit drop as
with known as (
    select
        min(days.day) as first_day,
        max(days.day) as last_day
    from days
    where days.fingerprint is not null
),

found as (
    select
        days.day,
        count(*)
        || ':'
        || sum(
            hash_record_extended(
                row(
                    source_events.event_id,
                    source_events.user_id,
                    source_events.item_id,
                    source_events.event_type,
                    source_events.value,
                    source_events.text,
                    source_events.occurred_at
                ),
                0
            )
        ) as fingerprint
    from source_events
    inner join days
        on
            (source_events.occurred_at at time zone 'UTC')::date = days.day
            and days.fingerprint is not null
    where
        source_events.occurred_at >= (select known.first_day from known)
        and source_events.occurred_at < (select known.last_day + 1 from known)
    group by days.day
)

select
    days.day,
    days.is_taken,
    null::text as fingerprint
from days
left join found on days.day = found.day
where
    days.fingerprint is null
    or days.fingerprint != coalesce(found.fingerprint, '0:');

analyze changed_days;

-- name: create_staged!
-- The rows of the changed days, each with what is wrong with it, and the rows that belong to no day
-- yet. A text that is only white space is no text. A value too small for `real` is nothing.
create temporary table staged on commit drop as
with bounds as (
    select
        min(changed_days.day) as first_day,
        max(changed_days.day) as last_day
    from changed_days
),

source_rows as (
    select
        source_events.*,
        changed_days.day
    from source_events
    inner join changed_days
        on (source_events.occurred_at at time zone 'UTC')::date = changed_days.day
    where
        source_events.occurred_at >= (select bounds.first_day from bounds)
        and source_events.occurred_at < (select bounds.last_day + 1 from bounds)
        and source_events.occurred_at >= '1970-01-01'
        and source_events.occurred_at <= %(now)s::timestamptz + interval '1 day'
    union all
    select
        source_events.*,
        case -- within what clients can read
            when
                source_events.occurred_at >= '0001-01-01'
                and source_events.occurred_at < '10000-01-01'
                then (source_events.occurred_at at time zone 'UTC')::date
        end as day
    from source_events
    where
        source_events.occurred_at is null
        or source_events.occurred_at < '1970-01-01'
        or source_events.occurred_at > %(now)s::timestamptz + interval '1 day'
),

judged as (
    select
        source_rows.*,
        rules.event_type_key,
        case
            when source_rows.occurred_at is null
                then 'unreadable time: occurred_at must be a timestamp'
            when source_rows.occurred_at < '1970-01-01'
                then 'time out of range: occurred_at lies before 1970'
            when source_rows.occurred_at > %(now)s::timestamptz + interval '1 day'
                then 'future time: occurred_at lies more than a day ahead'
            when coalesce(source_rows.event_id, '') = ''
                then 'missing event_id'
            when coalesce(source_rows.user_id, '') = ''
                then 'missing user: user_id is empty'
            when
                greatest(
                    octet_length(source_rows.event_id),
                    octet_length(source_rows.user_id),
                    octet_length(source_rows.item_id)
                ) > 1000 -- an index cannot hold an id of thousands
                then 'id over the limit of 1000 bytes'
            when rules.event_type is null
                then
                    'unknown event type '
                    || coalesce(quote_literal(source_rows.event_type), 'null')
                    || ': declare it with RECSYS_EVENT_TYPES={'
                    || to_json(coalesce(source_rows.event_type, ''))
                    || ': {"weight": 1}}'
            when rules.needs_item and coalesce(source_rows.item_id, '') = ''
                then 'missing item: ' || rules.event_type || ' needs an item_id'
            when
                coalesce(source_rows.item_id, '') = ''
                and trim(both E' \t\n\r' from coalesce(source_rows.text, '')) = ''
                then 'missing item and text: ' || rules.event_type || ' needs one of them'
            when source_rows.value in ('NaN', 'Infinity', '-Infinity')
                then 'value out of range: not finite'
            when source_rows.value < rules.minimum
                then 'value out of range: below ' || rules.minimum
            when source_rows.value > rules.maximum
                then 'value out of range: above ' || rules.maximum
            when abs(source_rows.value) > 1e30
                then 'value out of range: beyond 1e30'
            when length(source_rows.text) > %(text_limit)s
                then
                    'text over the limit of '
                    || %(text_limit)s
                    || ' characters (RECSYS_TEXT_LIMIT)'
        end as reason
    from source_rows
    left join rules on source_rows.event_type = rules.event_type
)

select
    judged.event_id,
    judged.user_id,
    judged.item_id,
    judged.text,
    judged.occurred_at,
    judged.day,
    judged.event_type_key,
    judged.reason,
    case when abs(judged.value) < 1e-30 then 0 else judged.value end as value,
    hash_record_extended(
        row(
            judged.event_id,
            judged.user_id,
            judged.item_id,
            judged.event_type,
            judged.value,
            judged.text,
            judged.occurred_at
        ),
        0
    ) as row_hash,
    case
        when judged.reason is not null
            then to_jsonb(judged.*) - '{day,event_type_key,reason}'::text[]
    end as source_row
from judged;

-- What is asked of them below.
analyze staged (event_id, user_id, item_id, reason);

-- name: fingerprint_changed_days!
-- Before anything of what is staged is left out.
with found as (
    select
        staged.day,
        count(*) || ':' || sum(staged.row_hash) as fingerprint
    from staged
    group by staged.day
)

update changed_days
set
    fingerprint = coalesce(
        (
            select found.fingerprint from found
            where found.day = changed_days.day
        ),
        '0:'
    );

-- name: changed_days
-- In their order; and whether each was taken before.
select
    changed_days.day,
    changed_days.is_taken
from changed_days
order by changed_days.day;

-- name: delete_copies_of_each_other!
-- Of good rows with one event_id the earliest stays.
with repeated as (
    select staged.event_id
    from staged
    where staged.reason is null
    group by staged.event_id
    having count(*) > 1
),

numbered as (
    select
        staged.ctid as place,
        row_number() over (
            partition by staged.event_id
            order by
                staged.occurred_at,
                staged.text,
                staged.value,
                staged.item_id,
                staged.user_id,
                staged.event_type_key
        ) as copy_number
    from staged
    inner join repeated on staged.event_id = repeated.event_id
    where staged.reason is null
)

delete from staged
using numbered
where staged.ctid = numbered.place and numbered.copy_number > 1;

-- name: create_copies!
-- Good rows whose event was taken from another day. Each is looked up in the index (a limit is
-- never joined in another way), so that this takes no longer after a thousand nights.
create temporary table copies on commit drop as
select
    staged.event_id,
    staged.day,
    taken.day as taken_day
from staged
cross join
    lateral (
        select interactions.day
        from interactions
        where interactions.event_id = staged.event_id
        order by interactions.event_id
        limit 1
    ) as taken
where staged.reason is null;

-- name: delete_staged_copies!
-- A copy of what was taken from an earlier day.
delete from staged
using copies
where
    staged.event_id = copies.event_id
    and staged.day = copies.day
    and staged.reason is null
    and copies.taken_day < copies.day;

-- name: delete_later_copies!
-- What was taken from a later day and turns up earlier now; those days are to be accumulated anew.
with deleted as (
    delete from interactions
    using copies
    where
        interactions.event_id = copies.event_id
        and copies.taken_day > copies.day
    returning interactions.day
),

forgotten as (
    delete from accumulated_days
    where accumulated_days.day in (select deleted.day from deleted)
)

update interaction_days
set
    n_interactions = interaction_days.n_interactions - copies.n_copies,
    trends_fingerprint = null
from (
    select
        deleted.day,
        count(*) as n_copies
    from deleted
    group by deleted.day
) as copies
where interaction_days.day = copies.day;

-- name: delete_taken!
-- Days as they were taken before. The largest value of a type may be among them.
with deleted as (
    delete from interactions
    where interactions.day = any(%(days)s::date[])
    returning
        interactions.event_type_key,
        interactions.value
)

update event_types
set largest_value = '-Infinity'
from (
    select
        deleted.event_type_key,
        max(deleted.value) as value
    from deleted
    group by deleted.event_type_key
) as largest
where
    event_types.event_type_key = largest.event_type_key
    and largest.value >= event_types.largest_value;

-- name: create_event_users!
-- Whose key is null is new. Subqueries ask the index, however many users there are.
create temporary table event_users on commit drop as
select
    distinct_users.user_id,
    (
        select users.user_key from named_users as users
        where users.user_id = distinct_users.user_id
    ) as user_key
from (
    select distinct staged.user_id
    from staged
    where staged.reason is null
) as distinct_users;

-- name: new_event_users
select event_users.user_id
from event_users
where event_users.user_key is null;

-- name: insert_users!
with inserted as (
    insert into users (user_id)
    select event_users.user_id
    from event_users
    where event_users.user_key is null
    order by event_users.user_id
    returning
        users.user_id,
        users.user_key
)

update event_users
set user_key = inserted.user_key
from inserted
where event_users.user_id = inserted.user_id;

-- name: create_event_items!
create temporary table event_items on commit drop as
select
    met.item_id,
    met.met_on,
    (
        select items.item_key from items
        where items.item_id = met.item_id
    ) as item_key
from (
    select
        staged.item_id,
        min(staged.day) as met_on
    from staged
    where staged.reason is null and staged.item_id != ''
    group by staged.item_id
) as met;

-- name: update_met_on!
-- Of items that were never met, or not so early.
update items
set met_on = event_items.met_on
from event_items
where
    items.item_key = event_items.item_key
    and (items.met_on is null or items.met_on > event_items.met_on);

-- name: insert_touched_items!
-- Items that the catalogue may not list: they trend, and are not shown.
with inserted as (
    insert into items (item_id, met_on)
    select
        event_items.item_id,
        event_items.met_on
    from event_items
    where event_items.item_key is null
    order by event_items.item_id
    returning
        items.item_id,
        items.item_key
)

update event_items
set item_key = inserted.item_key
from inserted
where event_items.item_id = inserted.item_id;

-- name: insert_interactions!
insert into interactions (
    event_id, day, user_key, item_key, event_type_key, value, occurred_at, content
)
select
    staged.event_id,
    staged.day,
    event_users.user_key,
    event_items.item_key,
    staged.event_type_key,
    staged.value,
    staged.occurred_at,
    nullif(trim(both E' \t\n\r' from staged.text), '')
from staged
inner join event_users on staged.user_id = event_users.user_id
left join event_items on staged.item_id = event_items.item_id
where staged.reason is null
order by staged.day, event_users.user_key, staged.occurred_at;

-- name: delete_rejected!
-- Those of the changed days, and those that belong to no day yet: they are all staged again.
delete from rejected_interactions
where
    step = 'extract'
    and (
        day in (select changed_days.day from changed_days)
        or day is null
        or day < '1970-01-01'
        or day >= (%(now)s::timestamptz + interval '1 day')::date
    );

-- name: insert_rejected!
insert into rejected_interactions (day, event_id, reason, row, step)
select
    staged.day,
    staged.event_id,
    staged.reason,
    staged.source_row,
    'extract'
from staged
where staged.reason is not null;

-- name: upsert_interaction_days!
-- What was made of these days is to be made anew.
with forgotten as (
    delete from accumulated_days
    where accumulated_days.day in (select changed_days.day from changed_days)
)

insert into interaction_days (
    day, source_fingerprint, rules_fingerprint, is_over, n_interactions, n_rejected
)
select
    changed_days.day,
    changed_days.fingerprint,
    %(rules_fingerprint)s,
    changed_days.day < %(now)s::timestamptz::date,
    count(staged.day) filter (where staged.reason is null),
    count(staged.day) filter (where staged.reason is not null)
from changed_days
left join staged on changed_days.day = staged.day
group by changed_days.day, changed_days.fingerprint
on conflict (day) do update
    set
        source_fingerprint = excluded.source_fingerprint,
        rules_fingerprint = excluded.rules_fingerprint,
        is_over = excluded.is_over,
        n_interactions = excluded.n_interactions,
        n_rejected = excluded.n_rejected,
        trends_fingerprint = null;

-- name: mark_days_over!
-- What was taken while its day went on, and is still all that there is.
update interaction_days
set is_over = true
where
    not is_over
    and day in (select days.day from days)
    and day < %(now)s::timestamptz::date;

-- name: remember_largest_values!
-- Those that were forgotten, out of all that was taken.
update event_types
set
    largest_value = (
        select max(interactions.value)
        from interactions
        where interactions.event_type_key = event_types.event_type_key
    )
where largest_value = '-Infinity';

-- name: update_largest_values!
-- Ratings are read on a scale, which the largest value so far tells.
update event_types
set largest_value = largest.value
from (
    select
        staged.event_type_key,
        max(staged.value)::real as value
    from staged
    where staged.reason is null and staged.value is not null
    group by staged.event_type_key
) as largest
where
    event_types.event_type_key = largest.event_type_key
    and largest.value > coalesce(event_types.largest_value, '-Infinity');

-- name: extracted_counts
select
    count(*) filter (where staged.reason is null) as n_interactions,
    count(*) filter (where staged.reason is not null) as n_rejected,
    (select count(*) from changed_days) as n_days
from staged;

-- name: drop_staging!
drop table event_items, event_users, copies, staged, changed_days, days, rules;
