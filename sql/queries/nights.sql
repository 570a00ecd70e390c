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
    error = null;

-- name: finish_step!
update nights
set
    state = %(state)s,
    counts = %(counts)s,
    error = %(error)s,
    finished_at = %(finished_at)s
where
    day = %(day)s
    and step = %(step)s
    and fingerprint = %(fingerprint)s;

-- name: newest_night
select max(published_nights.night)
from published_nights;
