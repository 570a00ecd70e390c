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
    state = 'done',
    counts = %(counts)s,
    error = null,
    note = %(note)s,
    finished_at = %(finished_at)s
where
    day = %(day)s
    and step = %(step)s
    and fingerprint = %(fingerprint)s;

-- name: fail_step!
-- A step that is done stays so: where the answer to its commit was lost, or another run has done
-- it.
update nights
set
    state = 'failed',
    counts = '{}',
    error = %(error)s,
    note = null,
    finished_at = %(finished_at)s
where
    day = %(day)s
    and step = %(step)s
    and fingerprint = %(fingerprint)s
    and state != 'done';

-- name: counts_of_step
select nights.counts
from nights
where nights.day = %(day)s and nights.step = %(step)s;

-- name: lock_step
-- Before tell_shards: who tells last has seen all that was committed before.
select nights.state
from nights
where nights.day = %(day)s and nights.step = 'rank'
for update;

-- name: tell_shards!
-- What became of the shards of a day, in the line of its step rank; the counts are of all nights
-- that its plan drafted.
with told as (
    select
        bool_and(draft_shards.n_lists is not null) filter (
            where draft_shards.night = %(day)s
        ) as is_done,
        min('shard ' || draft_shards.shard || ': ' || draft_shards.error) filter (
            where draft_shards.night = %(day)s
        ) as error,
        max(draft_shards.finished_at) as finished_at,
        jsonb_build_object(
            'nights', count(distinct draft_shards.night),
            'lists', coalesce(sum(draft_shards.n_lists), 0),
            'shards', count(*) filter (where draft_shards.night = %(day)s),
            'shards_done', count(draft_shards.n_lists) filter (
                where draft_shards.night = %(day)s
            )
        ) as counts
    from draft_shards
    where
        draft_shards.night = %(day)s
        or (
            draft_shards.night > %(day)s
            and draft_shards.night = (
                select max(published_nights.night) from published_nights
            )
        )
)

update nights
set
    state = case
        when told.is_done then 'done'
        when told.error is not null then 'failed'
        else 'running'
    end,
    counts = told.counts,
    error = told.error,
    finished_at = case when told.is_done or told.error is not null then told.finished_at end
from told
where
    nights.day = %(day)s
    and nights.step = 'rank'
    and told.is_done is not null;

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
