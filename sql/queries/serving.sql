-- name: night_that_serves
-- The newest published night: what readers are shown.
select
    published_nights.night,
    published_nights.n_lists,
    models.model_id
from published_nights
inner join models on published_nights.model_key = models.model_key
order by published_nights.night desc
limit 1;

-- name: nights_published_with
-- What the run of a day's night published: its own lists, and those of the newest night where it
-- made them anew. One transaction published them all, and so at one time.
select
    published_nights.night,
    published_nights.n_lists,
    models.model_id
from published_nights
inner join models on published_nights.model_key = models.model_key
inner join published_nights as own on published_nights.published_at = own.published_at
where own.night = %(day)s
order by published_nights.night;

-- name: note_of_publish
select nights.note
from nights
where
    nights.day = %(day)s
    and nights.step = 'publish'
    and nights.state = 'done';
