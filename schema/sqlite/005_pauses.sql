-- A pause of a pair of buckets, which every instance obeys until its row is removed; `pair` is the digest of `leases`.

CREATE TABLE pauses (
    pair TEXT NOT NULL PRIMARY KEY,
    paused_at TEXT NOT NULL,
    paused_by TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);

INSERT INTO schema_migrations (version) VALUES (5);
