-- name: recommendations_of
select
    listed.rank,
    listed.item_id,
    items.title,
    listed.score,
    listed.reason,
    listed.night,
    listed.strategy
from recommend(%(user_id)s, %(n)s) as listed
inner join items on listed.item_id = items.item_id
order by listed.rank;

-- name: title_of
select items.title
from items
where items.item_id = %(item_id)s;

-- name: similar_items_of
select
    similar_items.rank,
    similar_items.neighbour,
    items.title,
    similar_items.score
from similar_items
inner join items on similar_items.neighbour = items.item_id
where similar_items.item_id = %(item_id)s and similar_items.rank <= %(n)s
order by similar_items.rank;

-- name: read_only
-- From here on the transaction cannot write.
select set_config('transaction_read_only', 'on', true);

-- name: keep_statement
select set_config('ebbtide.statement', %(statement)s, true);

-- name: open_answer!
-- A cursor takes one statement, and only one that gives rows: `commit; drop ...` is no way out.
do $$
declare
    answer refcursor := 'answer';
begin
    open answer for execute current_setting('ebbtide.statement');
end
$$;
