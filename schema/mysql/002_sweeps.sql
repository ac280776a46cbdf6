-- From the first version's tables to ours; every row is kept. Each statement can be repeated, because MySQL commits
-- after each change of a table: what was cut short half way is simply run again.

-- Old servers gave a TIMESTAMP without a value the zero date, which today's strict mode refuses to touch.
SET @s3mover_sql_mode = @@SESSION.sql_mode;
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION';

UPDATE document_logs
SET created_at = IF(moved_at > 0, moved_at, CURRENT_TIMESTAMP), updated_at = updated_at, moved_at = moved_at
WHERE created_at IS NULL OR created_at = 0;

UPDATE document_logs
SET updated_at = created_at, moved_at = moved_at
WHERE updated_at IS NULL OR updated_at = 0;

-- Keys are bytes: `A` and `a`, `x` and `x` with an accent or a space behind it are six of them. 1,024 is the longest
-- key of S3. MySQL and MariaDB give the collation that counts trailing spaces a name each.
SET @s3mover_bytes = (
    SELECT COALESCE(MAX(collation_name), 'utf8mb4_bin') FROM information_schema.collations
    WHERE collation_name IN ('utf8mb4_0900_bin', 'utf8mb4_nopad_bin')
);

-- The first version's three times stay TIMESTAMP, so that its queries mean the same in every session's time zone
-- (`created_at > NOW() - INTERVAL 1 DAY`). All later ones are DATETIME in UTC, which does not end in 2038.
SET @s3mover_ddl = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'document_logs' AND column_name = 'batch_id') > 0,
    'DO 0',
    CONCAT('ALTER TABLE document_logs
        MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
        MODIFY file_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE ', @s3mover_bytes, ' NOT NULL,
        MODIFY message TEXT CHARACTER SET utf8mb4,
        MODIFY moved_at TIMESTAMP(6) NULL DEFAULT NULL,
        MODIFY created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        MODIFY updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
        ADD COLUMN batch_id BIGINT UNSIGNED NULL,
        ADD COLUMN number BIGINT UNSIGNED NULL,
        ADD COLUMN method VARCHAR(32) CHARACTER SET utf8mb4 NULL,
        ADD COLUMN size_bytes BIGINT UNSIGNED NULL,
        ADD COLUMN duration_us BIGINT UNSIGNED NULL,
        ADD COLUMN attempts INT UNSIGNED NULL,
        ADD COLUMN error_code VARCHAR(128) CHARACTER SET utf8mb4 NULL,
        ADD COLUMN source_etag VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
        ADD COLUMN destination_etag VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
        ADD COLUMN source_deleted_at DATETIME(6) NULL DEFAULT NULL,
        ADD COLUMN delete_due TINYINT NOT NULL DEFAULT 0,
        ADD UNIQUE INDEX document_logs_transfer (batch_id, number),
        ADD INDEX document_logs_status (status, created_at),
        ADD INDEX document_logs_key (file_key(255)),
        ADD INDEX document_logs_due (delete_due, batch_id),
        ENGINE = InnoDB, ROW_FORMAT = DYNAMIC')
);
PREPARE s3mover_change FROM @s3mover_ddl;
EXECUTE s3mover_change;
DEALLOCATE PREPARE s3mover_change;

UPDATE document_logs SET moved_at = NULL, updated_at = updated_at WHERE moved_at = 0;

SET SESSION sql_mode = @s3mover_sql_mode;

-- A migration_batches of another shape steps aside, as it is, under the name migration_batches_first_version.
SET @s3mover_ddl = IF(
    (SELECT COUNT(*) FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name = 'migration_batches') > 0
    AND (SELECT COUNT(*) FROM information_schema.columns
         WHERE table_schema = DATABASE() AND table_name = 'migration_batches'
         AND column_name IN ('source_bucket', 'server_side_copies', 'summary_file')) < 3,
    'RENAME TABLE migration_batches TO migration_batches_first_version',
    'DO 0'
);
PREPARE s3mover_change FROM @s3mover_ddl;
EXECUTE s3mover_change;
DEALLOCATE PREPARE s3mover_change;

CREATE TABLE IF NOT EXISTS migration_batches (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    started_at DATETIME(6) NOT NULL,
    ended_at DATETIME(6) NULL DEFAULT NULL,
    status ENUM('running', 'completed', 'failed', 'interrupted') NOT NULL,
    source_bucket VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    source_prefix VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    destination_bucket VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    destination_prefix VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    listed BIGINT UNSIGNED NOT NULL DEFAULT 0,
    skipped BIGINT UNSIGNED NOT NULL DEFAULT 0,
    planned BIGINT UNSIGNED NOT NULL DEFAULT 0,
    succeeded BIGINT UNSIGNED NOT NULL DEFAULT 0,
    failed BIGINT UNSIGNED NOT NULL DEFAULT 0,
    bytes BIGINT UNSIGNED NOT NULL DEFAULT 0,
    server_side_copies BIGINT UNSIGNED NOT NULL DEFAULT 0,
    streamed BIGINT UNSIGNED NOT NULL DEFAULT 0,
    duration_us BIGINT UNSIGNED NOT NULL DEFAULT 0,
    summary_file VARCHAR(1024) CHARACTER SET utf8mb4 NOT NULL DEFAULT '',
    INDEX migration_batches_status (status),
    INDEX migration_batches_ended (ended_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Objects that failed in the latest sweep that tried them, and when they are tried again. Pair and key are found by
-- 64 bits of their digests: where two keys share them, the one that failed last has the row.
CREATE TABLE IF NOT EXISTS object_waits (
    pair_hash BIGINT NOT NULL,
    key_hash BIGINT NOT NULL,
    file_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    source_etag VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    failures INT UNSIGNED NOT NULL,
    batch_id BIGINT UNSIGNED NOT NULL,
    failed_at DATETIME(6) NOT NULL,
    next_attempt DATETIME(6) NOT NULL,
    PRIMARY KEY (pair_hash, key_hash),
    INDEX object_waits_next (pair_hash, next_attempt)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE OR REPLACE VIEW failed_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code
FROM document_logs
WHERE status = 'error'
ORDER BY created_at DESC, id DESC;

CREATE OR REPLACE VIEW recent_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code
FROM document_logs
ORDER BY created_at DESC, id DESC
LIMIT 100;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (2, UTC_TIMESTAMP(6));
