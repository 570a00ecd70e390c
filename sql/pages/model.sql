-- name: page_models
-- The serving one first, then the newest.
select
    models.model_key,
    models.model_id,
    models.kind,
    models.state,
    models.encoder_id,
    models.dim,
    models.trained_until,
    models.created_at,
    models.trained_on,
    models.validation,
    models.parameters,
    coalesce(octet_length(models.artifact), 0) as size,
    encode(models.artifact_sha256, 'hex') as digest,
    models.reranker is not null as has_second_stage
from models
order by models.state != 'serving', models.model_key desc
limit %(n)s;

-- name: page_part_of_artifact
-- Bytes of a model's parameters, from `start` (0 is the first) on.
select substring(models.artifact from %(start)s + 1 for %(length)s)
from models
where models.model_key = %(model_key)s;

-- name: page_event_types
select
    event_types.event_type_key,
    event_types.event_type
from event_types
order by event_types.event_type_key;

-- name: page_mean_evaluations
-- Means over all user-days of a stretch of nights, best first.
select
    evaluations.target,
    evaluations.variant,
    sum(evaluations.value * evaluations.n) / sum(evaluations.n) as value,
    sum(evaluations.n) as n,
    count(*) as nights
from evaluations
where
    evaluations.metric = %(metric)s
    and evaluations.k = %(k)s
    and evaluations.segment = 'all'
    and evaluations.target in ('new', 'all')
    and evaluations.night between %(since)s and %(until)s
    and evaluations.value is not null
group by evaluations.target, evaluations.variant
having sum(evaluations.n) > 0
order by evaluations.target desc, value desc, evaluations.variant asc;
