-- What an operator asked of the instance that leads a pair of buckets, and its answer; `pair` is the digest of `leases`.
-- One row per pair and kind: `number` counts the requests, `answered` is the number of the latest one with an answer.

CREATE TABLE IF NOT EXISTS operator_requests (
    pair CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    number BIGINT NOT NULL DEFAULT 0,
    requested_at DATETIME(6) NOT NULL,
    requested_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    answered BIGINT NOT NULL DEFAULT 0,
    answered_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    is_accepted TINYINT NOT NULL DEFAULT 0,
    answer VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    PRIMARY KEY (pair, kind)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (8, UTC_TIMESTAMP(6));
