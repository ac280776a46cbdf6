-- What a batch is: a sweep, or the transfers that the source's events led to. Every batch until now is a sweep. No
-- CHECK constraint: SQLite would read the whole table to test it; without one it adds the column without touching a row.

ALTER TABLE migration_batches ADD COLUMN kind TEXT NOT NULL DEFAULT 'sweep';

INSERT INTO schema_migrations (version) VALUES (6);
