-- Customers as users. Grain: one row a user.
create or replace temporary view source_users as
select
    customers.customer_id::text as user_id,
    jsonb_strip_nulls(jsonb_build_object('country', customers.country)) as attributes,
    customers.joined_at as created_at
from shopfront.customers;
