-- What a text says for or against: a direction in an encoder's space, from complaint to praise.

-- One row an encoder.
create table stance_directions (
    encoder_id text primary key,
    -- Less `middle`, an inner product with it is 1 for praise and -1 for a complaint.
    direction vector not null,
    middle real not null
);
