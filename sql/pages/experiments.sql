-- name: page_experiments
-- Variants beside the default.
select
    experiments.variant,
    experiments.against,
    experiments.target,
    experiments.nights,
    experiments.n,
    experiments.n_against,
    experiments.value,
    experiments.against_value,
    experiments.difference,
    experiments.ci_low,
    experiments.ci_high,
    experiments.is_beyond_noise,
    experiments.since,
    experiments.until
from experiments
where
    experiments.segment = %(segment)s
    and experiments.metric = %(metric)s
    and experiments.k = %(k)s
order by experiments.target desc, experiments.variant asc;

-- name: page_nights_to_see
select
    seen.variant,
    seen.against,
    seen.target,
    seen.nights
from nights_to_see(%(difference)s, %(metric)s, %(k)s) as seen;
