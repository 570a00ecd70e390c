-- name: serving_encoder
-- What serves in place of the encoder that the settings name.
select encoders.specification
from encoders
where encoders.state = 'serving' and encoders.configured = %(configured)s;

-- name: serving_encoder_name
select encoders.name
from encoders
where encoders.state = 'serving' and encoders.configured = %(configured)s;

-- name: contents_of_items
-- What the encoder reads of each item that has a text.
select
    items.item_key,
    texts.content
from items
inner join texts on items.text_key = texts.text_key;

-- name: insert_encoder!
insert into encoders (name, specification, encoder_id, dim)
values (
    %(name)s,
    %(specification)s::jsonb,
    %(encoder_id)s,
    %(dim)s
)
on conflict (name) do nothing;

-- name: encoder_named
select
    encoders.name,
    encoders.specification,
    encoders.encoder_id,
    encoders.dim,
    encoders.state = 'serving' and encoders.configured = %(configured)s as serves
from encoders
where encoders.name = %(name)s;

-- name: all_encoders
-- The serving one first; how many of the texts have its vector, and the bytes of all its vectors.
select
    encoders.name,
    encoders.encoder_id,
    encoders.dim,
    encoders.state = 'serving' and encoders.configured = %(configured)s as serves,
    counted.n_vectors,
    counted.n_bytes,
    (select count(*) from texts) as n_texts
from encoders
left join lateral (
    select
        count(*) as n_vectors,
        coalesce(sum(pg_column_size(text_vectors.vector)), 0) as n_bytes
    from text_vectors
    where text_vectors.encoder_id = encoders.encoder_id
) as counted on true
order by encoders.state != 'serving', encoders.name;

-- name: rest_encoders!
update encoders
set
    state = 'beside',
    configured = null
where state = 'serving';

-- name: let_encoder_serve!
update encoders
set
    state = 'serving',
    configured = %(configured)s
where name = %(name)s;

-- name: delete_encoder!
delete from encoders
where name = %(name)s;

-- name: retire_models_of_encoder!
-- Those that do not serve.
update models
set state = 'retired'
where encoder_id = %(encoder_id)s and state in ('candidate', 'kept');

-- name: delete_vectors_of_encoder!
-- Unless something goes on reading them: a model that is not retired, or an encoder of another
-- name.
delete from text_vectors
where
    encoder_id = %(encoder_id)s
    and not exists (
        select
        from models
        where models.encoder_id = %(encoder_id)s and models.state != 'retired'
    )
    and not exists (
        select
        from encoders
        where encoders.encoder_id = %(encoder_id)s
    );

-- name: newest_learned_model
-- Of an encoder and a preset, that can serve.
select
    models.model_key,
    models.model_id,
    models.kind,
    models.encoder_id,
    models.dim
from models
where
    models.encoder_id = %(encoder_id)s
    and models.state in ('kept', 'serving')
    and models.kind = %(kind)s
    and models.parameters ->> 'preset' = %(preset)s
order by models.model_key desc
limit 1;

-- name: delete_direction_of_encoder!
delete from stance_directions
where stance_directions.encoder_id = %(encoder_id)s;
