-- name: create_known_events!
-- What was taken of a day before it is refreshed.
create temporary table known_events on commit drop as
select interactions.event_id
from interactions
where interactions.day = %(day)s;

-- name: event_to_list_delays
-- Of what a refresh took anew: how many events, and how many seconds passed from what a user did
-- to now, when the lists are ready: the median and the most. Both are null where nothing is new.
select
    count(*) as n_new,
    percentile_cont(0.5) within group (
        order by extract(epoch from %(now)s - interactions.occurred_at)
    ) as median_delay,
    max(extract(epoch from %(now)s - interactions.occurred_at)) as longest_delay
from interactions
where
    interactions.day = %(day)s
    and not exists (
        select
        from known_events
        where known_events.event_id = interactions.event_id
    );

-- name: drop_known_events!
drop table known_events;
