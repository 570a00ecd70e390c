-- What was released with noise: differential privacy, accounted.

-- One row a release: counts of a day's contributions, with noise. Kept for good: what was told of a
-- day stays told. Nobody's identity is in it, and its digest is keyed.
create table noise_releases (
    mechanism text not null, -- trends, or evaluations
    day date not null, -- of the contributions
    configuration text not null, -- names how it was counted, and with how much noise
    content bytea not null, -- keyed digest of the counts without noise
    epsilon float8 not null,
    delta float8 not null,
    sensitivity float8 not null, -- what one contribution changes counts by at most in all
    scale float8 not null, -- of the discrete Laplace noise
    key_id text not null, -- names the key that noise was made of
    is_current boolean not null, -- whether it is what the tables hold
    primary key (mechanism, day, configuration, content),
    constraint noise_releases_mechanism_check check (mechanism in ('trends', 'evaluations'))
);

-- Of a day and mechanism one at most is what the tables hold.
create unique index noise_releases_current_idx on noise_releases (mechanism, day) where is_current;

insert into access_rules (role, kind, name, columns) values
(
    'analyst', 'relation', 'noise_releases',
    '{mechanism,day,configuration,epsilon,delta,sensitivity,scale,key_id,is_current}'
);
