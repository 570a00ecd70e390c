-- The users of schema app. Grain: one row a user.
create or replace temporary view source_users as
select
    user_id,
    attributes,
    created_at
from app.users;
