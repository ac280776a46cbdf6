-- What the instance that leads a pair of buckets last reported of itself, for those that stand by; `pair` and `holder`
-- are those of `leases`, `report` is JSON.

CREATE TABLE leaders (
    pair TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL DEFAULT '',
    report TEXT NOT NULL,
    reported_at TEXT NOT NULL
);

INSERT INTO schema_migrations (version) VALUES (10);
