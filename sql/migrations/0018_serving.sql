-- Lists in less than a millisecond.

-- As before. All that it calls is immutable now (a cast in place of text || integer), so that it is
-- planned as a part of the statement that calls it; else it is a statement of its own each time.
create or replace function reason_in_words(
    kind smallint, title text, verb text, horizon smallint, days_ago integer
) returns text
language sql immutable parallel safe
begin atomic
    select
        case kind
            when 0 then 'what you did before'
            when 1 then 'because you ' || verb || ' ' || title
            when 2 then 'because of what you wrote' || coalesce(' about ' || title, '')
            when 4 then 'new here'
            when 5 then 'often taken together with ' || title
            when 6 then 'in line with your habits'
            when 7 then 'for everyone'
            when 8 then 'liked by people like you'
            else
                'popular '
                || case
                    when horizon <= 1 then 'now'
                    when horizon <= 7 then 'this week'
                    else 'this month'
                end
        end
        || case
            when kind not in (1, 2) then ''
            when days_ago < 1 then ' today'
            when days_ago = 1 then ' yesterday'
            else ' ' || days_ago::text || ' days ago'
        end;
end;

-- noqa: disable=RF01
-- The reasons of the first n entries of a list: of each the parts that were kept, largest first
-- after the one that is told, and the rest of its score as one more, so that the parts add up to
-- the score. A share is of the sum of the parts' sizes, and negative for what speaks against the
-- item. No row where none were kept.
create function reasons_of_entries(
    scores real[],
    kinds smallint[],
    item_keys integer[],
    details smallint[],
    days integer[],
    parts real[],
    night date,
    n integer
) returns table (rank bigint, reasons jsonb)
language sql stable parallel safe
begin atomic
    with told as (
        select
            (entries.place + 2) / 3 as rank,
            entries.place,
            entries.part::double precision as part,
            items.item_id,
            reason_in_words(
                entries.kind,
                coalesce(items.title, items.item_id),
                event_types.verb,
                entries.detail,
                reasons_of_entries.night + 1 - date '1970-01-01' - entries.day
            ) as words
        from unnest(
                reasons_of_entries.kinds[:3 * reasons_of_entries.n],
                reasons_of_entries.item_keys[:3 * reasons_of_entries.n],
                reasons_of_entries.details[:3 * reasons_of_entries.n],
                reasons_of_entries.days[:3 * reasons_of_entries.n],
                reasons_of_entries.parts[:3 * reasons_of_entries.n]
            ) with ordinality as entries (kind, item_key, detail, day, part, place)
        left join items on entries.item_key = items.item_key
        left join event_types
            on entries.kind = 1 and entries.detail = event_types.event_type_key
        where entries.kind > 0
    ),

    summed as (
        select
            told.rank,
            told.place,
            told.part,
            told.item_id,
            told.words,
            reasons_of_entries.scores[told.rank] - sum(told.part) over entry as other,
            sum(abs(told.part)) over entry as size
        from told
        window entry as (
            partition by told.rank
            order by told.place
            rows between unbounded preceding and unbounded following
        )
    )

    select
        summed.rank,
        jsonb_agg(
            jsonb_strip_nulls(
                jsonb_build_object(
                    'part', round(summed.part::numeric, 6),
                    'share',
                    round(
                        (summed.part / nullif(summed.size + abs(summed.other), 0))::numeric, 4
                    ),
                    'text', summed.words,
                    'item_id', summed.item_id
                )
            )
            order by summed.place
        )
        || jsonb_build_array(
            jsonb_strip_nulls(
                jsonb_build_object(
                    'part', round(summed.other::numeric, 6),
                    'share',
                    round(
                        (summed.other / nullif(summed.size + abs(summed.other), 0))::numeric, 4
                    ),
                    'text', 'other'
                )
            )
        ) as reasons
    from summed
    group by summed.rank, summed.other, summed.size;
end;

-- As before, of one entry.
create or replace function reasons_of_entry(
    rank integer,
    score real,
    kinds smallint[],
    item_keys integer[],
    details smallint[],
    days integer[],
    parts real[],
    night date
) returns jsonb
language sql stable parallel safe security definer
begin atomic
    select told.reasons
    from
        reasons_of_entries(
            array[reasons_of_entry.score],
            reasons_of_entry.kinds[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
            reasons_of_entry.item_keys[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
            reasons_of_entry.details[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
            reasons_of_entry.days[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
            reasons_of_entry.parts[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
            reasons_of_entry.night,
            1
        ) as told;
end;

-- As before. In PL/pgSQL a session plans each statement once, in every version of Postgres, and
-- what is not needed is not run. Of the partitions of recommendation_lists one is opened: the
-- newest, unless the user has no list there. A plan made for one night would open one too, but
-- would be made anew for each call.
create or replace function recommend(user_id text, n integer default 10)
returns setof recommendations
language plpgsql stable parallel safe security definer rows 10
set plan_cache_mode = force_generic_plan
as $$
declare
    reader integer;
    newest date;
    latest recommendation_lists;
    day_before date;
    n_known integer := 0;
    n_added integer;
begin
    if recommend.n is null or recommend.n < 1 then
        return;
    end if;
    select users.user_key into reader
    from users
    where users.user_id = recommend.user_id;
    if found then
        newest := greatest(
            (select max(published_nights.night) from published_nights),
            (select max(provisional_nights.night) from provisional_nights)
        );
        select lists.* into latest
        from recommendation_lists as lists
        where lists.user_key = reader and lists.night = newest;
        if not found then
            select lists.* into latest
            from recommendation_lists as lists
            where lists.user_key = reader
            order by lists.night desc
            limit 1;
        end if;
    end if;
    if latest.night is not null then
        -- A list of a night is read on the day after it, a provisional one on the day itself.
        day_before := latest.night - exists (
            select from provisional_nights where provisional_nights.night = latest.night
        )::integer;
        return query
        select
            recommend.user_id,
            entries.rank::integer,
            items.item_id,
            entries.score,
            reason_in_words(
                entries.reason_kind,
                coalesce(reason_items.title, reason_items.item_id),
                event_types.verb,
                entries.reason_detail,
                day_before + 1 - date '1970-01-01' - entries.reason_day
            ),
            strategies.strategy,
            variants.variant,
            latest.night,
            models.model_id,
            told.reasons
        from unnest(
            latest.item_keys[:recommend.n],
            latest.scores[:recommend.n],
            latest.reason_kinds[:recommend.n],
            latest.reason_items[:recommend.n],
            latest.reason_details[:recommend.n],
            latest.reason_days[:recommend.n]
        ) with ordinality
            as entries (
                item_key, score, reason_kind, reason_item, reason_detail, reason_day, rank
            )
        inner join items on entries.item_key = items.item_key
        inner join strategies on latest.strategy_key = strategies.strategy_key
        inner join variants on latest.variant_key = variants.variant_key
        inner join models on latest.model_key = models.model_key
        left join items as reason_items on entries.reason_item = reason_items.item_key
        left join event_types
            on
                entries.reason_kind < 3
                and entries.reason_detail = event_types.event_type_key
        left join
            reasons_of_entries(
                latest.scores,
                latest.part_kinds,
                latest.part_items,
                latest.part_details,
                latest.part_days,
                latest.parts,
                day_before,
                recommend.n
            ) as told
            on entries.rank = told.rank
        order by entries.rank;
        get diagnostics n_known = row_count;
    end if;
    if n_known >= recommend.n then
        return;
    end if;
    return query
    select
        recommend.user_id,
        (row_number() over (order by cold.rank) + n_known)::integer,
        cold.item_id,
        cold.score,
        cold.reason,
        'cold_start',
        null::text,
        cold.night,
        cold.model_id,
        null::jsonb
    from cold_start_recommendations as cold
    where
        cold.item_key != all(coalesce(latest.item_keys[:recommend.n], '{}'))
        and not exists (
            select
            from used_up_items
            where
                used_up_items.user_key = reader
                and used_up_items.item_key = cold.item_key
        )
    order by 2
    limit recommend.n - n_known;
    get diagnostics n_added = row_count;
    if n_known + n_added > 0 then
        return;
    end if;
    return query
    select
        recommend.user_id,
        (row_number() over (order by items.item_id))::integer,
        items.item_id,
        0::real,
        'in the catalogue',
        'catalogue',
        null::text,
        null::date,
        null::text,
        null::jsonb
    from items
    where items.is_listed and items.is_available
    order by 2
    limit recommend.n;
end
$$;
-- noqa: enable=RF01

-- One row a night and filter: which share of the nearest items live queries found by the index of
-- item_vectors, of users drawn at random. None where there is no index.
create table live_recalls (
    night date not null, -- that item_vectors is of
    filter text not null,
    k smallint not null,
    ef_search integer not null,
    n_users integer not null,
    recall double precision not null, -- against exact, mean over users
    constraint live_recalls_pkey primary key (night, filter),
    constraint live_recalls_filter_check check (filter in ('none', 'category'))
);

insert into access_rules (role, kind, name, columns) values
('analyst', 'relation', 'live_recalls', null);

-- A narrow category is read whole, which is exact, and sooner done than by the vectors' index.
create index item_vectors_category_idx on item_vectors (category);

-- Without the index of item_vectors, while the first ones come: an index of all is sooner made at
-- once than row by row. Not later, since it keeps live queries out until the end of the night.
create function drop_vector_index() returns void
language plpgsql security definer
as $$
begin
    drop index if exists item_vectors_vector_idx;
end
$$;

create function make_vector_index() returns void
language plpgsql security definer
as $$
declare
    place text := (
        select pg_namespace.nspname
        from pg_extension
        inner join pg_namespace on pg_extension.extnamespace = pg_namespace.oid
        where pg_extension.extname = 'vector'
    );
begin
    execute format(
        'create index if not exists item_vectors_vector_idx on item_vectors'
        ' using hnsw (vector %I.halfvec_ip_ops)',
        place
    );
end
$$;
