-- What lets the step rank touch what changed and leave the rest.

-- One row a user whose totals were folded since the interest was last shown: `rank` shows it anew.
create table interests_due (
    model_key smallint not null references models on delete cascade,
    user_key integer not null references users on delete cascade,
    primary key (model_key, user_key)
);

-- Finding an erased user's rows.
create index interests_due_user_key_idx on interests_due (user_key);

-- Until now nobody kept this: everybody is looked at once.
insert into interests_due (model_key, user_key)
select distinct
    interest_totals.model_key,
    interest_totals.user_key
from interest_totals;

-- Whoever stops waiting for a fold has been folded.
create function note_folded() returns trigger
language plpgsql
as $$
begin
    insert into interests_due (model_key, user_key)
    select
        folded.model_key,
        folded.user_key
    from folded
    inner join models on folded.model_key = models.model_key
    where models.state != 'retired'
    on conflict do nothing;
    return null;
end
$$;

create trigger pending_merges_folded
after delete on pending_merges
referencing old table as folded
for each statement execute function note_folded();

-- One row an item whose nearest items are known: what of it they were found by.
create table compared_items (
    item_key integer primary key references items on delete cascade,
    vector_digest bigint not null
);

-- Whatever stands there was made in another way, and is made anew.
insert into compared_items (item_key, vector_digest)
select
    item_neighbours.item_key,
    0 as vector_digest
from item_neighbours;

-- What vectors were compared less, where a table is made of comparisons.
alter table derived_tables add column centre vector;
