-- Seals: for each sweep that ended, the Merkle root of its rows, chained by the hash of the seal before it. `content` is
-- what is hashed and signed, byte by byte; the columns before it repeat what queries need.
CREATE TABLE IF NOT EXISTS audit_seals (
    pair CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    number BIGINT UNSIGNED NOT NULL,
    kind ENUM('sweep', 'amendment') NOT NULL,
    sweep_id BIGINT UNSIGNED NOT NULL,
    sealed_at DATETIME(6) NOT NULL,
    row_count BIGINT UNSIGNED NOT NULL,
    root CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    previous CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    pruned_before DATETIME(6) NULL DEFAULT NULL,
    content MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    signature VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    anchored_at DATETIME(6) NULL DEFAULT NULL,
    PRIMARY KEY (pair, number),
    INDEX audit_seals_sweep (sweep_id, number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- The first bytes of the hash of each sealed row, by which rows that were changed, removed or added are found. They
-- prove nothing by themselves.
CREATE TABLE IF NOT EXISTS audit_seal_marks (
    sweep_id BIGINT UNSIGNED NOT NULL,
    first_number BIGINT UNSIGNED NOT NULL,
    marks MEDIUMBLOB NOT NULL,
    PRIMARY KEY (sweep_id, first_number)
) ENGINE = InnoDB;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (9, UTC_TIMESTAMP(6));
