-- What an operator asked of the instance that leads a pair of buckets, and its answer; `pair` is the digest of `leases`.
-- One row per pair and kind: `number` counts the requests, `answered` is the number of the latest one with an answer.

CREATE TABLE operator_requests (
    pair TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL DEFAULT 0,
    requested_at TEXT NOT NULL,
    requested_by TEXT NOT NULL DEFAULT '',
    answered INTEGER NOT NULL DEFAULT 0,
    answered_by TEXT NOT NULL DEFAULT '',
    is_accepted INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (pair, kind)
);

INSERT INTO schema_migrations (version) VALUES (7);
