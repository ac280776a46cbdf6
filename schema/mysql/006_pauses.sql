-- A pause of a pair of buckets, which every instance obeys until its row is removed; `pair` is the digest of `leases`.

CREATE TABLE IF NOT EXISTS pauses (
    pair CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    paused_at DATETIME(6) NOT NULL,
    paused_by VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (6, UTC_TIMESTAMP(6));
