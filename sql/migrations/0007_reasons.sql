-- What a score consists of, told with each list.

-- Of each of the first ten entries three reasons, entry by entry: the one that was told already,
-- and the largest other parts of the score. Kind 0 stands for no further one. Null in lists that
-- were made before.
alter table recommendation_lists
add column part_kinds smallint[],
add column part_items integer[],
add column part_details smallint[],
add column part_days integer[],
add column parts real[];

alter table draft_lists
add column part_kinds smallint[],
add column part_items integer[],
add column part_details smallint[],
add column part_days integer[],
add column parts real[];

-- As before, with kinds more: 5 an item that others took together with this one, 6 what the user
-- is in the habit of, 7 what belongs to nobody in particular, 8 what users with the same attributes
-- are interested in; and 0, what the history that was looked at does not reach.
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
            else ' ' || days_ago || ' days ago'
        end;
end;

-- noqa: disable=RF01
-- The reasons of the entry at a rank, largest first after the one that is told, and the rest of its
-- score as one more: the parts add up to the score. A share is of the sum of the parts' sizes, and
-- negative for what speaks against the item. Null where none were kept.
create function reasons_of_entry(
    rank integer,
    score real,
    kinds smallint[],
    item_keys integer[],
    details smallint[],
    days integer[],
    parts real[],
    night date
) returns jsonb
language sql stable parallel safe
begin atomic
    with told as (
        select
            entries.place,
            entries.part::double precision as part,
            items.item_id,
            reason_in_words(
                entries.kind,
                coalesce(items.title, items.item_id),
                event_types.verb,
                entries.detail,
                reasons_of_entry.night + 1 - date '1970-01-01' - entries.day
            ) as words
        from unnest(
                reasons_of_entry.kinds[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
                reasons_of_entry.item_keys[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
                reasons_of_entry.details[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
                reasons_of_entry.days[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank],
                reasons_of_entry.parts[3 * reasons_of_entry.rank - 2:3 * reasons_of_entry.rank]
            ) with ordinality as entries (kind, item_key, detail, day, part, place)
        left join items on entries.item_key = items.item_key
        left join event_types
            on entries.kind = 1 and entries.detail = event_types.event_type_key
        where entries.kind > 0
    ),

    complete as (
        select
            told.place,
            told.part,
            told.item_id,
            told.words
        from told
        union all
        select
            4,
            reasons_of_entry.score - sum(told.part),
            null,
            'other'
        from told
        having count(*) > 0
    ),

    shared as (
        select
            complete.place,
            complete.part,
            complete.item_id,
            complete.words,
            complete.part / nullif(sum(abs(complete.part)) over (), 0) as share
        from complete
    )

    select
        jsonb_agg(
            jsonb_strip_nulls(
                jsonb_build_object(
                    'part', round(shared.part::numeric, 6),
                    'share', round(shared.share::numeric, 4),
                    'text', shared.words,
                    'item_id', shared.item_id
                )
            )
            order by shared.place
        )
    from shared;
end;
-- noqa: enable=RF01

-- As before, with the reasons of the first entries.
create or replace view recommendations as
select
    users.user_id,
    entries.rank::integer as rank,
    items.item_id,
    entries.score,
    reason_in_words(
        entries.reason_kind,
        coalesce(reason_items.title, reason_items.item_id),
        event_types.verb,
        entries.reason_detail,
        latest.night + 1 - date '1970-01-01' - entries.reason_day
    ) as reason,
    strategies.strategy,
    variants.variant,
    latest.night,
    models.model_id,
    reasons_of_entry(
        entries.rank::integer,
        entries.score,
        latest.part_kinds,
        latest.part_items,
        latest.part_details,
        latest.part_days,
        latest.parts,
        latest.night
    ) as reasons
from users
cross join
    lateral (
        select
            lists.night,
            lists.model_key,
            lists.strategy_key,
            lists.variant_key,
            lists.item_keys,
            lists.scores,
            lists.reason_kinds,
            lists.reason_items,
            lists.reason_details,
            lists.reason_days,
            lists.part_kinds,
            lists.part_items,
            lists.part_details,
            lists.part_days,
            lists.parts
        from recommendation_lists as lists
        where lists.user_key = users.user_key
        order by lists.night desc
        limit 1
    ) as latest
cross join
    lateral unnest(
        latest.item_keys,
        latest.scores,
        latest.reason_kinds,
        latest.reason_items,
        latest.reason_details,
        latest.reason_days
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
        and entries.reason_detail = event_types.event_type_key;

-- recommend.user_id and recommend.n are the function's arguments:
-- noqa: disable=RF01

-- As before, with reasons; what the cold-start list adds has none but its one.
create or replace function recommend(user_id text, n integer default 10)
returns setof recommendations
language sql stable parallel safe rows 10
begin atomic
    with known as (
        select listed.*
        from recommendations as listed
        where listed.user_id = recommend.user_id and listed.rank <= recommend.n
    ),

    added as (
        select
            cold.*,
            row_number() over (order by cold.rank) + (select count(*) from known) as next_rank
        from cold_start_recommendations as cold
        where
            (select count(*) from known) < recommend.n
            and cold.item_id not in (select known.item_id from known)
            and not exists (
                select
                from used_up_items
                inner join users on used_up_items.user_key = users.user_key
                where
                    users.user_id = recommend.user_id
                    and used_up_items.item_key = cold.item_key
            )
    ),

    catalogue as (
        select
            items.item_id,
            row_number() over (order by items.item_id) as next_rank
        from items
        where
            items.is_listed
            and items.is_available
            and not exists (select from known)
            and not exists (select from added)
    )

    select
        known.user_id,
        known.rank,
        known.item_id,
        known.score,
        known.reason,
        known.strategy,
        known.variant,
        known.night,
        known.model_id,
        known.reasons
    from known
    union all
    select
        recommend.user_id,
        added.next_rank::integer,
        added.item_id,
        added.score,
        added.reason,
        'cold_start',
        null,
        added.night,
        added.model_id,
        null
    from added
    union all
    select
        recommend.user_id,
        catalogue.next_rank::integer,
        catalogue.item_id,
        0::real,
        'in the catalogue',
        'catalogue',
        null,
        null,
        null,
        null
    from catalogue
    where catalogue.next_rank <= recommend.n
    order by rank
    limit greatest(recommend.n, 0);
end;
-- noqa: enable=RF01
