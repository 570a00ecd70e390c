-- What an operator keeps out of lists.

-- One row an item for which RECSYS_LIST_FILTER does not hold; the step rank makes them anew.
create table filtered_items (
    item_key integer primary key references items
);

-- Make filtered_items anew: the listed items for which a condition over their columns and their
-- source's does not hold; none without a condition. Gives what is wrong with the condition; null
-- when all is well. The condition cannot write: read-only ends with the inner block.
create function filter_items(condition text) returns text
language plpgsql
as $$
declare
    passed integer[];
    problem text;
    -- A loop takes one statement, and only one that gives rows. A comment ends with its line.
    statement text := '
        select coalesce(array_agg(item_key), ''{}'')
        from (
            select distinct on (items.item_key)
                items.*,
                source_items.description,
                source_items.attributes,
                source_items.updated_at
            from items
            inner join source_items on items.item_id = source_items.item_id
            where items.is_listed
            order by
                items.item_key,
                source_items.updated_at desc nulls last,
                to_jsonb(source_items.*)::text
        ) as items
        where (' || condition || E'\n)';
begin
    delete from filtered_items;
    if condition is null then
        return null;
    end if;
    begin
        perform set_config('transaction_read_only', 'on', true);
        for passed in execute statement loop
            null;
        end loop;
    exception when others then
        get stacked diagnostics problem = message_text;
        return problem;
    end;
    insert into filtered_items (item_key)
    select items.item_key
    from items
    where items.is_listed and items.item_key != all(passed);
    return null;
end
$$;
