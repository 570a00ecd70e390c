-- A night's lists in shards, and the first day of an item in one place.

-- One row a shard of a night that is being made: a range of users, whose lists are made and
-- committed apart. A night that is made in one piece has none.
create table draft_shards (
    night date not null references draft_nights on delete cascade,
    shard smallint not null, -- from 0
    first_user_key integer not null,
    last_user_key integer not null, -- included
    n_lists integer, -- null: not made yet
    started_at timestamptz,
    finished_at timestamptz,
    error text, -- of the last attempt, where it failed
    primary key (night, shard)
);

-- noqa: disable=RF01
-- Items with the first day of each, in days from 1970-01-01, as a night knows it: the source's, or
-- where that is not known the first one, until the night, on which somebody took to the item; the
-- smallest integer where nobody did.
create function dated_items(night date) returns table (
    item_key integer,
    item_id text,
    text_key integer,
    category text,
    is_listed boolean,
    is_available boolean,
    created_at timestamptz,
    first_day integer
)
language sql stable parallel safe
begin atomic
    select
        items.item_key,
        items.item_id,
        items.text_key,
        items.category,
        items.is_listed,
        items.is_available,
        items.created_at,
        coalesce(
            case
                when isfinite(items.created_at)
                    then (items.created_at at time zone 'UTC')::date - date '1970-01-01'
            end,
            (
                select min(daily_trends.day) - date '1970-01-01'
                from daily_trends
                where
                    daily_trends.item_key = items.item_key
                    and daily_trends.day <= dated_items.night
            ),
            (-2147483648)::integer
        )
    from items;
end;
-- noqa: enable=RF01
