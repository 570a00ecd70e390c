-- Gates that a person opened for one night.

-- One row a night's run and gate: what the gate finds does not hold that night up.
create table gate_overrides (
    day date not null, -- of the run
    gate text not null, -- a file of sql/checks
    given_by text not null, -- the login
    given_at timestamptz not null default now(),
    primary key (day, gate)
);
