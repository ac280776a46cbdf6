-- What a batch is: a sweep, or the transfers that the source's events led to. Every batch until now is a sweep. The
-- column comes last and has a default, so that the server adds it without rewriting the table. The statement can be
-- repeated.

SET @s3mover_ddl = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'migration_batches' AND column_name = 'kind') > 0,
    'DO 0',
    'ALTER TABLE migration_batches ADD COLUMN kind ENUM(''sweep'', ''events'') NOT NULL DEFAULT ''sweep'''
);
PREPARE s3mover_change FROM @s3mover_ddl;
EXECUTE s3mover_change;
DEALLOCATE PREPARE s3mover_change;

INSERT IGNORE INTO schema_migrations (version, applied_at) VALUES (7, UTC_TIMESTAMP(6));
