-- The lease on a pair of buckets as a row, and the key ranges of a sweep, each with a fencing token: a token that was
-- raised makes every later write under the old one match no row. All times are UTC.

CREATE TABLE leases (
    pair TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL DEFAULT '',
    token INTEGER NOT NULL DEFAULT 0,
    renewed_at TEXT NOT NULL,
    ttl_seconds INTEGER NOT NULL
);

CREATE TABLE sweep_ranges (
    sweep_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    after_key TEXT NOT NULL DEFAULT '',
    until_key TEXT,
    token INTEGER NOT NULL,
    holder TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'completed', 'failed', 'interrupted')),
    is_recalled INTEGER NOT NULL DEFAULT 0,
    heartbeat_at TEXT NOT NULL,
    listed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    planned INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    server_side_copies INTEGER NOT NULL DEFAULT 0,
    streamed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sweep_id, number)
);

INSERT INTO schema_migrations (version) VALUES (3);
