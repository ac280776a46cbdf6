-- The tables as the first version of s3mover made them. On its databases nothing is created here but the list of
-- the applied schema versions.

CREATE TABLE IF NOT EXISTS schema_migrations (
    version INT UNSIGNED NOT NULL PRIMARY KEY,
    applied_at DATETIME(6) NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS document_logs (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    file_key VARCHAR(1000) NOT NULL,
    status ENUM('success', 'error', 'pending') NOT NULL,
    message TEXT,
    moved_at TIMESTAMP NULL DEFAULT NULL,
    created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (1, UTC_TIMESTAMP(6));
