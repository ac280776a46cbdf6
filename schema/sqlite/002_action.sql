-- What a row is about: a copy, or a deletion at the destination. Every row until now is a copy. No CHECK constraint:
-- SQLite would read the whole table to test it; without one it adds the column without touching a row.

ALTER TABLE document_logs ADD COLUMN action TEXT NOT NULL DEFAULT 'copy';

DROP VIEW failed_migrations;

CREATE VIEW failed_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code, action
FROM document_logs
WHERE status = 'error'
ORDER BY created_at DESC, id DESC;

DROP VIEW recent_migrations;

CREATE VIEW recent_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code, action
FROM document_logs
ORDER BY created_at DESC, id DESC
LIMIT 100;

INSERT INTO schema_migrations (version) VALUES (2);
