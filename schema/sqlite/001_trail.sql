-- The trail in an embedded database; the same tables, columns and views as in schema/mysql.
-- Times are UTC as text, `2025-01-04 03:17:09.123456`, which sorts as time does.

CREATE TABLE schema_migrations (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')
);

CREATE TABLE document_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_key TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('success', 'error', 'pending')),
    message TEXT,
    moved_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'),
    batch_id INTEGER,
    number INTEGER,
    method TEXT,
    size_bytes INTEGER,
    duration_us INTEGER,
    attempts INTEGER,
    error_code TEXT,
    source_etag TEXT,
    destination_etag TEXT,
    source_deleted_at TEXT,
    delete_due INTEGER NOT NULL DEFAULT 0,
    UNIQUE (batch_id, number)
);

CREATE INDEX document_logs_status ON document_logs (status, created_at);

CREATE INDEX document_logs_key ON document_logs (file_key);

CREATE INDEX document_logs_due ON document_logs (batch_id) WHERE delete_due = 1;

CREATE TABLE migration_batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'),
    ended_at TEXT,
    status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    source_bucket TEXT NOT NULL,
    source_prefix TEXT NOT NULL,
    destination_bucket TEXT NOT NULL,
    destination_prefix TEXT NOT NULL,
    listed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    planned INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    server_side_copies INTEGER NOT NULL DEFAULT 0,
    streamed INTEGER NOT NULL DEFAULT 0,
    duration_us INTEGER NOT NULL DEFAULT 0,
    summary_file TEXT NOT NULL DEFAULT ''
);

CREATE INDEX migration_batches_status ON migration_batches (status);

CREATE INDEX migration_batches_ended ON migration_batches (ended_at);

-- Objects that failed in the latest sweep that tried them, and when they are tried again. Pair and key are found by
-- 64 bits of their digests: where two keys share them, the one that failed last has the row.
CREATE TABLE object_waits (
    pair_hash INTEGER NOT NULL,
    key_hash INTEGER NOT NULL,
    file_key TEXT NOT NULL,
    source_etag TEXT NOT NULL,
    failures INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    failed_at TEXT NOT NULL,
    next_attempt TEXT NOT NULL,
    PRIMARY KEY (pair_hash, key_hash)
) WITHOUT ROWID;

CREATE INDEX object_waits_next ON object_waits (pair_hash, next_attempt);

CREATE VIEW failed_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code
FROM document_logs
WHERE status = 'error'
ORDER BY created_at DESC, id DESC;

CREATE VIEW recent_migrations AS
SELECT id, file_key, status, message, moved_at, created_at, updated_at,
    batch_id, method, size_bytes, duration_us, attempts, error_code
FROM document_logs
ORDER BY created_at DESC, id DESC
LIMIT 100;

INSERT INTO schema_migrations (version) VALUES (1);
