-- The lease on a pair of buckets as a row, and the key ranges of a sweep, each with a fencing token: a token that was
-- raised makes every later write under the old one match no row. All times are the server's, in UTC.

CREATE TABLE IF NOT EXISTS leases (
    pair CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    holder VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    token BIGINT UNSIGNED NOT NULL DEFAULT 0,
    renewed_at DATETIME(6) NOT NULL,
    ttl_seconds INT UNSIGNED NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS sweep_ranges (
    sweep_id BIGINT UNSIGNED NOT NULL,
    number INT UNSIGNED NOT NULL,
    after_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    until_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL,
    token BIGINT UNSIGNED NOT NULL,
    holder VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    status ENUM('waiting', 'running', 'completed', 'failed', 'interrupted') NOT NULL,
    is_recalled TINYINT NOT NULL DEFAULT 0,
    heartbeat_at DATETIME(6) NOT NULL,
    listed BIGINT UNSIGNED NOT NULL DEFAULT 0,
    skipped BIGINT UNSIGNED NOT NULL DEFAULT 0,
    planned BIGINT UNSIGNED NOT NULL DEFAULT 0,
    succeeded BIGINT UNSIGNED NOT NULL DEFAULT 0,
    failed BIGINT UNSIGNED NOT NULL DEFAULT 0,
    bytes BIGINT UNSIGNED NOT NULL DEFAULT 0,
    server_side_copies BIGINT UNSIGNED NOT NULL DEFAULT 0,
    streamed BIGINT UNSIGNED NOT NULL DEFAULT 0,
    PRIMARY KEY (sweep_id, number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (4, UTC_TIMESTAMP(6));
