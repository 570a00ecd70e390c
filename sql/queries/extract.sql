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

-- name: create_days!
-- The days to look at: those before the night that were never taken or not over when they were,
-- those whose rejected rows met other rules, and the last days, where events may have come late, or
-- gone. None is older than what is kept.
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

select candidates.day::date as day
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

-- name: create_changed_days!
-- Of those, the days whose rows in the source are not what was taken, with their fingerprints.
create temporary table changed_days on commit drop as
with found as (
    select
        (source_events.occurred_at at time zone 'UTC')::date as day,
        count(*)
        || ':'
        || sum(hashtextextended(to_jsonb(source_events.*)::text, 0)) as fingerprint
    from source_events
    where
        source_events.occurred_at >= (select min(days.day) from days)
        and source_events.occurred_at < (select max(days.day) + 1 from days)
    group by (source_events.occurred_at at time zone 'UTC')::date
)

select
    days.day,
    coalesce(found.fingerprint, '0:') as fingerprint
from days
left join found on days.day = found.day
left join interaction_days on days.day = interaction_days.day
where
    interaction_days.day is null
    or interaction_days.source_fingerprint != coalesce(found.fingerprint, '0:')
    or interaction_days.rules_fingerprint != %(rules_fingerprint)s;

-- name: create_staged!
-- The rows of the changed days, each with what is wrong with it, and the rows that belong to no day
-- yet. A text that is only white space is no text. Of good rows with one event_id the earliest is
-- taken, so copies are numbered. A value too small for `real` is nothing.
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
    row_number() over (
        partition by judged.event_id, judged.reason is null
        order by judged.occurred_at, to_jsonb(judged.*)::text
    ) as copy_number,
    case
        when judged.reason is not null
            then to_jsonb(judged.*) - '{day,event_type_key,reason}'::text[]
    end as source_row
from judged;

-- name: delete_staged_copies!
-- A copy of a good event of its own batch, or of one that was taken from an earlier day.
delete from staged
where
    reason is null
    and (
        copy_number > 1
        or exists (
            select
            from interactions
            where interactions.event_id = staged.event_id and interactions.day < staged.day
        )
    );

-- name: delete_later_copies!
-- What was taken from a later day and turns up earlier now; those days are to be accumulated anew.
with deleted as (
    delete from interactions
    using staged
    where
        interactions.event_id = staged.event_id
        and interactions.day > staged.day
        and staged.reason is null
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

-- name: forget_largest_values!
-- The largest value of a type may be among what is taken again, corrected or gone.
update event_types
set largest_value = '-Infinity'
where
    exists (
        select
        from interactions
        where
            interactions.day in (select changed_days.day from changed_days)
            and interactions.event_type_key = event_types.event_type_key
            and interactions.value >= event_types.largest_value
    );

-- name: delete_taken!
-- The changed days, as they were taken before.
delete from interactions
where day in (select changed_days.day from changed_days);

-- name: insert_users!
insert into users (user_id)
select distinct staged.user_id
from staged
where
    staged.reason is null
    and not exists (
        select
        from users
        where users.user_id = staged.user_id
    )
order by staged.user_id;

-- name: insert_touched_items!
-- Items that the catalogue may not list: they trend, and are not shown.
insert into items (item_id)
select distinct staged.item_id
from staged
where
    staged.reason is null
    and staged.item_id != ''
    and not exists (
        select
        from items
        where items.item_id = staged.item_id
    )
order by staged.item_id;

-- name: insert_interactions!
insert into interactions (
    event_id, day, user_key, item_key, event_type_key, value, occurred_at, content
)
select
    staged.event_id,
    staged.day,
    users.user_key,
    items.item_key,
    staged.event_type_key,
    staged.value,
    staged.occurred_at,
    nullif(trim(both E' \t\n\r' from staged.text), '')
from staged
inner join users on staged.user_id = users.user_id
left join items on staged.item_id = items.item_id
where staged.reason is null
order by staged.day, users.user_key, staged.occurred_at;

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
drop table staged, changed_days, days, rules;
