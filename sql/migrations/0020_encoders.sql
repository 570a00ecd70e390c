-- Encoders beside the one that the settings name, so that a change of encoder is no leap.

-- One row an encoder that was added by name. Its vectors are made while another one serves.
create table encoders (
    name text primary key,
    specification jsonb not null, -- model, tokens, and how it reads
    encoder_id text not null,
    dim integer not null,
    state text not null default 'beside',
    -- Names the settings' encoder that it stands in for: other settings win over it.
    configured text,
    constraint encoders_state_check check (state in ('beside', 'serving')),
    constraint encoders_configured_check check ((state = 'serving') = (configured is not null))
);

-- At most one serves.
create unique index encoders_serving_idx on encoders (state) where state = 'serving';
