-- Rules for the texts of items, two prompts, and items that say the same.

-- What was described before there were rules has null, as what the default rules describe.
alter table items add column text_rules text; -- fingerprint of the rules that made its text

-- Where users' texts have a prompt of their own: the vector is of a text that no item had.
alter table text_vectors add column is_query boolean not null default false;

-- One row a listed item that says what an item listed before it says.
create table duplicates (
    item_key integer primary key references items on delete cascade,
    original_key integer not null references items on delete cascade, -- itself no duplicate
    likeness real not null, -- cosine; 1 for the same text
    constraint duplicates_item_key_check check (item_key != original_key)
);

-- An item that goes takes its links along.
create index duplicates_original_key_idx on duplicates (original_key);

-- At most one row: what the links were made of.
create table duplicate_searches (fingerprint text not null);

create view item_duplicates as
select
    items.item_id,
    originals.item_id as original_id,
    duplicates.likeness
from duplicates
inner join items on duplicates.item_key = items.item_key
inner join items as originals on duplicates.original_key = originals.item_key
where items.is_listed and originals.is_listed;
