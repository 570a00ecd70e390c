-- What the pages look up.

-- A series of one metric over nights, of every variant.
create index evaluations_series_idx on evaluations (metric, k, target, segment, night);

-- Users and items by the beginning of an id or a name, as it is typed into a search field.
create index users_user_id_prefix_idx on users (user_id collate "C");
create index users_name_idx on users ((lower(attributes ->> 'name')) collate "C")
where attributes ->> 'name' is not null;
create index items_item_id_prefix_idx on items (item_id collate "C");

-- Items by words of their title. Without its signs: "T-light" is two words, and no tag or path is
-- taken for one.
create index items_title_words_idx on items
using gin (to_tsvector('simple', regexp_replace(title, '\W+', ' ', 'g')));
