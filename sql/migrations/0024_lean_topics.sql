-- Shares of topics are written by one program, under the schema's lock, from keys that it reads in
-- the same transaction (docs/adr/0015). Their insert, which looks each key up again, was half of
-- the step at 1.5 million users.
alter table topic_masses
drop constraint topic_masses_user_key_fkey,
drop constraint topic_masses_topic_key_fkey;

alter table topic_user_days
drop constraint topic_user_days_user_key_fkey;
