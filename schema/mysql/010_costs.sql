-- What the requests, transfers and retrievals of each batch cost: `micros` are micro-dollars, of one run (a process) for
-- one batch since its beginning, as of the end of a day in UTC. Batch 0 is what was done between batches. The column
-- cost_usd is NULL where no price is known. Each statement can be repeated.
CREATE TABLE IF NOT EXISTS batch_costs (
    pair_hash BIGINT NOT NULL,
    day DATE NOT NULL,
    batch_id BIGINT UNSIGNED NOT NULL,
    run BIGINT UNSIGNED NOT NULL,
    micros BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (pair_hash, day, batch_id, run),
    INDEX batch_costs_run (batch_id, run, day)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

SET @s3mover_ddl = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'migration_batches' AND column_name = 'cost_usd') > 0,
    'DO 0',
    'ALTER TABLE migration_batches ADD COLUMN cost_usd DECIMAL(18, 6) NULL DEFAULT NULL'
);
PREPARE s3mover_change FROM @s3mover_ddl;
EXECUTE s3mover_change;
DEALLOCATE PREPARE s3mover_change;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (10, UTC_TIMESTAMP(6));
