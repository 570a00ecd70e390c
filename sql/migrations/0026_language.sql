-- A language model's word on lists: what it was asked on a night, and what it said, as numbers.

-- One row a night and user whom a variant with `language` is shown, and who did little until then.
-- Written by one program, under the schema's lock, from keys that it reads in the same transaction
-- (docs/adr/0015).
create table title_lifts (
    night date not null,
    user_key integer not null,
    question bytea not null, -- a digest of the model, what the user did, and the titles
    item_keys integer[] not null, -- the first entries of the user's list, by score
    lifts real[] not null, -- how much likelier each title is to the model, in nats a token; or NaN
    primary key (night, user_key)
);
