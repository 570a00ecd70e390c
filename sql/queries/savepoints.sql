-- name: begin_topics!
savepoint topics; -- noqa: PRS

-- name: undo_topics!
rollback to savepoint topics;
