-- Texts of users that hold what leads to a person: found, and replaced by texts with marks.

-- name: create_scrubbed!
create temporary table scrubbed (
    raw text not null,
    content text not null
) on commit drop;

-- name: copy_scrubbed!
copy scrubbed from stdin with (format csv);

-- name: drop_scrubbed!
drop table scrubbed;

-- name: staged_user_texts
-- What the rows say that a night is about to take, rejected ones too.
select distinct staged.text
from staged
where staged.text != '';

-- name: scrub_staged!
update staged
set
    text = scrubbed.content,
    source_row = jsonb_set(staged.source_row, '{text}', to_jsonb(scrubbed.content))
from scrubbed
where staged.text = scrubbed.raw;

-- name: loaded_rejected_texts
-- What rejected rows of a file say, and lines that could not be read.
select distinct cells.value
from rejected_rows
cross join lateral jsonb_each_text(rejected_rows.source_row) as cells (name, value)
where cells.name in ('text', 'line') and cells.value != '';

-- name: scrub_loaded!
update rejected_rows
set source_row = jsonb_set(rejected_rows.source_row, array[cells.name], to_jsonb(scrubbed.content))
from rejected_rows as before
cross join lateral jsonb_each_text(before.source_row) as cells (name, value)
inner join scrubbed on cells.value = scrubbed.raw
where rejected_rows.ctid = before.ctid and cells.name in ('text', 'line');

-- name: rejected_texts
select distinct cells.value
from rejected_interactions
cross join lateral jsonb_each_text(rejected_interactions.row) as cells (name, value)
where cells.name in ('text', 'line') and cells.value != '';

-- name: scrub_rejected!
update rejected_interactions
set row = jsonb_set(rejected_interactions.row, array[cells.name], to_jsonb(scrubbed.content))
from rejected_interactions as before
cross join lateral jsonb_each_text(before.row) as cells (name, value)
inner join scrubbed on cells.value = scrubbed.raw
where rejected_interactions.ctid = before.ctid and cells.name in ('text', 'line');

-- name: linked_user_texts
-- Cleaned texts that users wrote.
select texts.content
from texts
where
    exists (
        select
        from interactions
        where interactions.text_key = texts.text_key
    )
order by texts.text_key;

-- name: create_scrubbed_texts_in_question!
-- The texts that marked ones are to replace: items may have them too.
create temporary table texts_in_question on commit drop as
select texts.text_key
from scrubbed
inner join texts on scrubbed.raw = texts.content;

-- name: forget_days_of_scrubbed!
-- A marked text has another vector.
delete from accumulated_days
where
    day in (
        select interactions.day
        from interactions
        inner join texts_in_question on interactions.text_key = texts_in_question.text_key
    );

-- name: relink_scrubbed!
update interactions
set text_key = marked.text_key
from scrubbed
inner join texts as raw_texts on scrubbed.raw = raw_texts.content
inner join staged_contents on scrubbed.content = staged_contents.content
inner join texts as marked on decode(staged_contents.content_hash, 'hex') = marked.content_hash
where interactions.text_key = raw_texts.text_key;
