-- Objects that only the destination has, while it is being confirmed that they are gone at the source. Pair and key are
-- found by 64 bits of their digests: where two keys share them, the one that was seen last has the row.
CREATE TABLE IF NOT EXISTS deletion_candidates (
    pair_hash BIGINT NOT NULL,
    key_hash BIGINT NOT NULL,
    file_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    destination_etag VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    size_bytes BIGINT UNSIGNED NOT NULL,
    seen_batch BIGINT UNSIGNED NOT NULL,
    seen_at DATETIME(6) NOT NULL,
    times_missed INT UNSIGNED NOT NULL,
    first_missed_batch BIGINT UNSIGNED NOT NULL,
    first_missed_at DATETIME(6) NOT NULL,
    last_missed_batch BIGINT UNSIGNED NOT NULL,
    last_missed_at DATETIME(6) NOT NULL,
    confirmed TINYINT UNSIGNED NOT NULL,
    approved_etag VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL,
    PRIMARY KEY (pair_hash, key_hash),
    INDEX deletion_candidates_seen (pair_hash, seen_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (5, UTC_TIMESTAMP(6));
