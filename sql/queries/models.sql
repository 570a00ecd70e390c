-- name: keep_zero_shot_model
-- A conflict would use a key up every night, and there are only 32767 of them.
with added as (
    insert into models (model_id, kind, state, encoder_id, dim, parameters)
    select
        %(model_id)s,
        'zero-shot',
        'kept',
        %(encoder_id)s,
        %(dim)s,
        %(parameters)s::jsonb
    where
        not exists (
            select
            from models
            where models.model_id = %(model_id)s
        )
    returning models.model_key
)

select added.model_key
from added
union all
select models.model_key
from models
where models.model_id = %(model_id)s;

-- name: upsert_learned_model
-- A model that was trained before in the same way is the same one: it is a candidate again unless
-- it serves, and its parameters are whole again.
insert into models (
    model_id, kind, state, encoder_id, dim, parameters, artifact, artifact_sha256, seed,
    trained_until, trained_on
)
values (
    %(model_id)s,
    'interest',
    'candidate',
    %(encoder_id)s,
    %(dim)s,
    %(parameters)s::jsonb,
    %(artifact)s,
    %(artifact_sha256)s,
    %(seed)s,
    %(trained_until)s,
    %(trained_on)s::jsonb
)
on conflict (model_id) do update
    set
        state = case when models.state = 'serving' then 'serving' else 'candidate' end,
        parameters = excluded.parameters,
        artifact = excluded.artifact,
        artifact_sha256 = excluded.artifact_sha256,
        seed = excluded.seed,
        trained_until = excluded.trained_until,
        trained_on = excluded.trained_on
returning models.model_key;

-- name: serving_model
select
    models.model_key,
    models.model_id,
    models.kind,
    models.encoder_id,
    models.dim
from models
where models.state = 'serving';

-- name: model_named
select
    models.model_key,
    models.model_id,
    models.kind,
    models.encoder_id,
    models.dim,
    models.state
from models
where models.model_id = %(model_id)s;

-- name: model_parameters
select
    models.parameters,
    models.artifact,
    models.artifact_sha256
from models
where models.model_key = %(model_key)s;

-- name: fallbacks
-- What can serve where the serving model does not load: kept models over the same vectors and the
-- same preset, the newest first, and the zero-shot one at last.
select
    kept.model_key,
    kept.model_id,
    kept.kind,
    kept.encoder_id,
    kept.dim
from models as kept
inner join models as serving on kept.encoder_id = serving.encoder_id and kept.dim = serving.dim
where
    serving.model_key = %(model_key)s
    and kept.state = 'kept'
    and (
        kept.kind = 'zero-shot'
        or kept.parameters ->> 'preset' = serving.parameters ->> 'preset'
    )
order by kept.kind = 'zero-shot', kept.model_key desc;

-- name: set_model_state!
update models
set state = %(state)s
where model_key = %(model_key)s and state != %(state)s;

-- name: depose_serving!
-- What was learned can serve again, once its encoder and preset are back; the rest is named anew.
update models
set state = case when kind = 'zero-shot' then 'retired' else 'kept' end
where state = 'serving' and model_key != %(model_key)s;

-- name: serve_if_none_does!
update models
set state = 'serving'
where
    model_key = %(model_key)s
    and not exists (
        select
        from models as serving
        where serving.state = 'serving'
    );

-- name: preset_of_model
select models.parameters ->> 'preset'
from models
where models.model_key = %(model_key)s;

-- name: retire_other_zero_shots!
-- But for those of encoders by name, whose interests may be in the making beside.
update models
set state = 'retired'
where
    kind = 'zero-shot'
    and state = 'kept'
    and model_key != %(model_key)s
    and encoder_id not in (
        select encoders.encoder_id
        from encoders
    );

-- name: keep_candidate!
update models
set state = 'kept'
where model_key = %(model_key)s and state = 'candidate';

-- name: retire_candidates!
-- Of a training that was cut off.
update models
set state = 'retired'
where state = 'candidate';

-- name: retire_surplus!
-- All kept models but the newest, and those that variants rank by; the zero-shot one is what every
-- night can fall back to.
update models
set state = 'retired'
where
    state = 'kept'
    and kind != 'zero-shot'
    and model_key not in (
        select variant_models.model_key
        from variant_models
        where variant_models.model_key is not null
    )
    and model_key not in (
        select newest.model_key
        from models as newest
        where newest.state = 'kept' and newest.kind != 'zero-shot'
        order by newest.model_key desc
        limit %(keep_models)s
    );

-- name: is_retired_model_left
-- Whether a retired model has left anything but its parameters. What it has, it has of deltas.
select exists(
    select
    from models
    where
        models.state = 'retired'
        and (
            exists (
                select
                from accumulated_days
                where accumulated_days.model_key = models.model_key
            )
            or exists (
                select
                from daily_interests
                where daily_interests.model_key = models.model_key
            )
        )
);

-- name: delete_retired_interests!
delete from interests
using models
where interests.model_key = models.model_key and models.state = 'retired';

-- name: delete_retired_totals!
delete from interest_totals
using models
where interest_totals.model_key = models.model_key and models.state = 'retired';

-- name: delete_retired_deltas!
delete from daily_interests
using models
where daily_interests.model_key = models.model_key and models.state = 'retired';

-- name: delete_retired_pending!
delete from pending_merges
using models
where pending_merges.model_key = models.model_key and models.state = 'retired';

-- name: delete_retired_days!
delete from accumulated_days
using models
where accumulated_days.model_key = models.model_key and models.state = 'retired';

-- name: set_validation!
update models
set validation = %(validation)s::jsonb
where model_key = %(model_key)s;

-- name: keep_ablations!
-- Beside what its trial found.
update models
set
    validation
    = coalesce(validation, '{}'::jsonb) || jsonb_build_object('ablations', %(ablations)s::jsonb)
where model_key = %(model_key)s;

-- name: all_models
-- The serving one first, then the newest.
select
    models.model_id,
    models.kind,
    models.state,
    models.trained_until,
    models.trained_on,
    models.validation
from models
order by models.state != 'serving', models.model_key desc;

-- name: trained_until
select models.trained_until
from models
where models.model_key = %(model_key)s;

-- name: day_after_the_last
-- The first day that no night has taken whole.
select max(interaction_days.day) + 1
from interaction_days
where interaction_days.n_interactions > 0 and interaction_days.is_over;

-- name: noted_steps
-- What steps of the newest nights wanted to be known, though they did not fail.
select
    nights.day,
    nights.step,
    nights.note
from nights
where
    nights.note is not null
    and nights.day >= (select max(newest.day) from nights as newest) - 7
order by nights.day desc, nights.started_at desc;
