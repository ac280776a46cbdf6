-- What a row is about: a copy, or a deletion at the destination. Every row until now is a copy. The column comes last
-- and has a default, so that the server adds it without rewriting the table (ALGORITHM = INSTANT: MySQL from 8.0.12,
-- MariaDB). Each statement can be repeated.

SET @s3mover_ddl = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'document_logs' AND column_name = 'action') > 0,
    'DO 0',
    'ALTER TABLE document_logs ADD COLUMN action ENUM(''copy'', ''delete'') NOT NULL DEFAULT ''copy'''
);
PREPARE s3mover_change FROM @s3mover_ddl;
EXECUTE s3mover_change;
DEALLOCATE PREPARE s3mover_change;

CREATE OR REPLACE VIEW failed_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code, action
FROM document_logs
WHERE status = 'error'
ORDER BY created_at DESC, id DESC;

CREATE OR REPLACE VIEW recent_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code, action
FROM document_logs
ORDER BY created_at DESC, id DESC
LIMIT 100;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (3, UTC_TIMESTAMP(6));
