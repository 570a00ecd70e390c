-- name: begin_step!
insert into nights (day, step, state, fingerprint, started_at)
values (%(day)s, %(step)s, 'running', %(fingerprint)s, %(started_at)s)
on conflict (day, step) do update
    set
        state = excluded.state,
        counts = '{}',
        fingerprint = excluded.fingerprint,
        started_at = excluded.started_at,
        finished_at = null,
        error = null,
        note = null;

-- name: finish_step!
update nights
set
    state = %(state)s,
    counts = %(counts)s,
    error = %(error)s,
    note = %(note)s,
    finished_at = %(finished_at)s
where
    day = %(day)s
    and step = %(step)s
    and fingerprint = %(fingerprint)s;

-- name: newest_night
select max(published_nights.night)
from published_nights;

-- name: table_sizes
select
    'interactions' as name,
    count(*) as n
from interactions
union all
select
    'rejected',
    count(*)
from rejected_interactions
union all
select
    'users',
    count(*)
from users
union all
select
    'items',
    count(*)
from items
where items.is_listed
union all
select
    'lists',
    coalesce(sum(published_nights.n_lists), 0)
from published_nights;

-- name: mean_evaluations
-- Means over all user-days of a stretch of nights.
select
    evaluations.target,
    evaluations.variant,
    sum(evaluations.value * evaluations.n) filter (where evaluations.metric = 'ndcg')
    / sum(evaluations.n) filter (where evaluations.metric = 'ndcg') as ndcg,
    sum(evaluations.value * evaluations.n) filter (where evaluations.metric = 'recall')
    / sum(evaluations.n) filter (where evaluations.metric = 'recall') as recall,
    sum(evaluations.value * evaluations.n) filter (where evaluations.metric = 'hit_rate')
    / sum(evaluations.n) filter (where evaluations.metric = 'hit_rate') as hit_rate,
    sum(evaluations.n) filter (where evaluations.metric = 'ndcg') as n
from evaluations
where
    evaluations.night >= %(since)s
    and evaluations.night < %(until)s
    and evaluations.segment = 'all'
    and evaluations.k = 10
    and evaluations.metric in ('ndcg', 'recall', 'hit_rate')
group by evaluations.target, evaluations.variant
order by evaluations.target desc, ndcg desc, evaluations.variant asc;
