-- name: upsert_event_types!
-- The preset's types, in the order of their names, so that keys do not depend on who asks.
insert into event_types (event_type, verb, uses_up)
select
    rules.event_type,
    rules.verb,
    rules.uses_up
from json_to_recordset(%(rules)s) as rules (event_type text, verb text, uses_up boolean)
order by rules.event_type
on conflict (event_type) do update
set
    verb = excluded.verb,
    uses_up = excluded.uses_up
where (event_types.verb, event_types.uses_up) != (excluded.verb, excluded.uses_up);

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
-- The days to look at: those before the night that were never taken, those whose rejected rows met other
-- rules, and the last days, where events may have come late.
create temporary table days on commit drop as
with span as (
    select least(min((source_events.occurred_at at time zone 'UTC')::date), %(day)s) as first_day
    from source_events
    where
        source_events.occurred_at >= '1970-01-01'
        and source_events.occurred_at < %(day)s::date + 1
)

select candidates.day::date as day
from span
cross join lateral generate_series(span.first_day, %(day)s::date, '1 day') as candidates (day)
left join interaction_days on candidates.day = interaction_days.day
where
    interaction_days.day is null
    or candidates.day >= %(day)s::date - %(late_days)s
    or (
        interaction_days.n_rejected > 0
        and interaction_days.rules_fingerprint != %(rules_fingerprint)s
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
-- The rows of the changed days, each with what is wrong with it, and the rows that belong to no day yet.
-- A text that is only white space is no text. Of rows with one event_id the earliest is taken.
create temporary table staged on commit drop as
with source_rows as (
    select
        source_events.*,
        changed_days.day
    from source_events
    inner join changed_days
        on (source_events.occurred_at at time zone 'UTC')::date = changed_days.day
    where
        source_events.occurred_at >= (select min(changed_days.day) from changed_days)
        and source_events.occurred_at < (select max(changed_days.day) + 1 from changed_days)
        and source_events.occurred_at >= '1970-01-01'
        and source_events.occurred_at <= %(now)s::timestamptz + interval '1 day'
    union all
    select
        source_events.*,
        case
            when isfinite(source_events.occurred_at)
                then (source_events.occurred_at at time zone 'UTC')::date
        end as day
    from source_events
    where
        source_events.occurred_at is null
        or source_events.occurred_at < '1970-01-01'
        or source_events.occurred_at > %(now)s::timestamptz + interval '1 day'
),

numbered as (
    select
        source_rows.*,
        row_number() over (
            partition by source_rows.event_id
            order by source_rows.occurred_at, to_jsonb(source_rows.*)::text
        ) as copy_number
    from source_rows
),

judged as (
    select
        numbered.*,
        rules.event_type_key,
        case
            when numbered.occurred_at is null
                then 'unreadable time: occurred_at must be a timestamp'
            when numbered.occurred_at < '1970-01-01'
                then 'time out of range: occurred_at lies before 1970'
            when numbered.occurred_at > %(now)s::timestamptz + interval '1 day'
                then 'future time: occurred_at lies more than a day ahead'
            when coalesce(numbered.event_id, '') = ''
                then 'missing event_id'
            when coalesce(numbered.user_id, '') = ''
                then 'missing user: user_id is empty'
            when rules.event_type is null
                then
                    'unknown event type '
                    || coalesce(quote_literal(numbered.event_type), 'null')
                    || ': declare it with RECSYS_EVENT_TYPES={'
                    || to_json(coalesce(numbered.event_type, '')) || ': {"weight": 1}}'
            when rules.needs_item and coalesce(numbered.item_id, '') = ''
                then 'missing item: ' || rules.event_type || ' needs an item_id'
            when
                coalesce(numbered.item_id, '') = ''
                and trim(both E' \t\n\r' from coalesce(numbered.text, '')) = ''
                then 'missing item and text: ' || rules.event_type || ' needs one of them'
            when numbered.value in ('NaN', 'Infinity', '-Infinity')
                then 'value out of range: not finite'
            when numbered.value < rules.minimum
                then 'value out of range: below ' || rules.minimum
            when numbered.value > rules.maximum
                then 'value out of range: above ' || rules.maximum
            when abs(numbered.value) > 1e30
                then 'value out of range: beyond 1e30'
            when length(numbered.text) > %(text_limit)s
                then 'text over the limit of ' || %(text_limit)s || ' characters (RECSYS_TEXT_LIMIT)'
        end as reason
    from numbered
    left join rules on numbered.event_type = rules.event_type
)

select
    judged.event_id,
    judged.user_id,
    judged.item_id,
    judged.value,
    judged.text,
    judged.occurred_at,
    judged.day,
    judged.copy_number,
    judged.event_type_key,
    judged.reason,
    case
        when judged.reason is not null
            then to_jsonb(judged.*) - '{copy_number,day,event_type_key,reason}'::text []
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

-- name: delete_later_copies
-- What was taken from a later day and turns up earlier now; those days are to be accumulated anew.
with deleted as (
    delete from interactions
    using staged
    where
        interactions.event_id = staged.event_id
        and interactions.day > staged.day
        and staged.reason is null
    returning interactions.day
)

update interaction_days
set accumulated_fingerprint = null
where day in (select deleted.day from deleted);

-- name: delete_taken!
-- The changed days, as they were taken before.
delete from interactions
where day in (select changed_days.day from changed_days);

-- name: insert_users!
insert into users (user_id)
select distinct staged.user_id
from staged
where staged.reason is null
order by staged.user_id
on conflict (user_id) do nothing;

-- name: insert_touched_items!
-- Items that the catalogue may not list: they trend, and are not shown.
insert into items (item_id)
select distinct staged.item_id
from staged
where staged.reason is null and staged.item_id != ''
order by staged.item_id
on conflict (item_id) do nothing;

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
insert into interaction_days (
    day, source_fingerprint, rules_fingerprint, n_interactions, n_rejected
)
select
    changed_days.day,
    changed_days.fingerprint,
    %(rules_fingerprint)s,
    count(staged.day) filter (where staged.reason is null),
    count(staged.day) filter (where staged.reason is not null)
from changed_days
left join staged on changed_days.day = staged.day
group by changed_days.day, changed_days.fingerprint
on conflict (day) do update
set
    source_fingerprint = excluded.source_fingerprint,
    rules_fingerprint = excluded.rules_fingerprint,
    n_interactions = excluded.n_interactions,
    n_rejected = excluded.n_rejected,
    accumulated_fingerprint = null;

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
