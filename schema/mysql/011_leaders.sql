-- What the instance that leads a pair of buckets last reported of itself, for those that stand by; `pair` and `holder`
-- are those of `leases`, `report` is JSON.

CREATE TABLE IF NOT EXISTS leaders (
    pair CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    holder CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    url VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    report TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reported_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (11, UTC_TIMESTAMP(6));
