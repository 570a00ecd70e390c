-- The second stage of a learned model lies beside it (models.reranker).
alter table models add column reranker_sha256 bytea;
