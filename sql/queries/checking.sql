-- name: insert_gate_override!
insert into gate_overrides (day, gate, given_by)
values (%(day)s, %(gate)s, session_user)
on conflict (day, gate) do update
    set
        given_by = excluded.given_by,
        given_at = excluded.given_at;

-- name: gate_overrides
-- The gates that a person opened for the run of a day.
select
    gate_overrides.gate,
    gate_overrides.given_by,
    gate_overrides.given_at
from gate_overrides
where gate_overrides.day = %(day)s
order by gate_overrides.gate;
