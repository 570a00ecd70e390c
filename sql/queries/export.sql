-- All that is held about a user. As with erasing, the schema itself tells where that is.

-- name: exports_of_user
-- For each table with rows of users: the statement that gives a user's rows as JSON, keys replaced
-- by what they stand for. What other users are called stays out.
with columns as (
    select
        pg_class.relname::text as relation,
        pg_attribute.attname::text as column_name
    from pg_class
    inner join pg_attribute on pg_class.oid = pg_attribute.attrelid
    where
        pg_class.relnamespace = current_schema()::regnamespace
        and pg_class.relkind in ('r', 'p')
        and not pg_class.relispartition
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
),

-- A key and what it stands for: a column, or each element of an array.
named (column_name, new_name, expression) as (
    values
    (
        'item_key', 'item_id',
        '(select items.item_id from items where items.item_key = held.item_key)'
    ),
    (
        'event_type_key', 'event_type',
        '(select event_types.event_type from event_types '
        'where event_types.event_type_key = held.event_type_key)'
    ),
    (
        'text_key', 'text',
        '(select texts.content from texts where texts.text_key = held.text_key)'
    ),
    (
        'model_key', 'model_id',
        '(select models.model_id from models where models.model_key = held.model_key)'
    ),
    (
        'variant_key', 'variant',
        '(select variants.variant from variants where variants.variant_key = held.variant_key)'
    ),
    (
        'strategy_key', 'strategy',
        '(select strategies.strategy from strategies '
        'where strategies.strategy_key = held.strategy_key)'
    ),
    ('item_keys', 'item_ids', null),
    ('reason_items', 'reason_items', null),
    ('part_items', 'part_items', null)
)

select
    own.relation,
    format(
        'select to_jsonb(held.*) - %L::text[] || jsonb_build_object(%s) '
        'from %I as held where held.%I = %%(user_key)s order by held.*::text',
        array(
            select user_columns.column_name
            from user_columns
            where user_columns.relation = own.relation
            union all
            select named.column_name
            from named
        ),
        (
            select
                string_agg(
                    format(
                        '%L, %s',
                        named.new_name,
                        coalesce(
                            named.expression,
                            format(
                                '(select jsonb_agg(items.item_id order by entries.place) '
                                'from unnest(held.%I) with ordinality as entries (item_key, place) '
                                'left join items on items.item_key = entries.item_key)',
                                named.column_name
                            )
                        )
                    ),
                    ', ' order by named.new_name
                )
            from columns
            inner join named on columns.column_name = named.column_name
            where columns.relation = own.relation
        ),
        own.relation,
        own.column_name
    ) as statement
from user_columns as own
where not own.is_array
order by own.relation, own.column_name;

-- name: export_rejected
select to_jsonb(held.*)
from rejected_interactions as held
where held.row ->> 'user_id' = any(%(user_names)s)
order by held.day, held.event_id;

-- name: export_recommendations
-- The list that the user is served now, in words.
select to_jsonb(held.*) - 'user_id'
from recommendations as held
where held.user_id = %(user_id)s
order by held.rank;

-- name: export_text_vectors
-- What the language model made of the user's texts.
select to_jsonb(held.*) - 'text_key' || jsonb_build_object('text', texts.content)
from text_vectors as held
inner join texts on held.text_key = texts.text_key
where
    held.text_key in (
        select interactions.text_key
        from interactions
        where interactions.user_key = %(user_key)s
    )
order by texts.content, held.encoder_id;
