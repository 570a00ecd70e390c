-- In place of a mapping's users.sql, where the source knows nothing of users: nobody.
create or replace temporary view source_users as
select
    null::text as user_id,
    null::jsonb as attributes,
    null::timestamptz as created_at
where false;
