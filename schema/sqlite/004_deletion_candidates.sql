-- Objects that only the destination has, while it is being confirmed that they are gone at the source. Pair and key are
-- found by 64 bits of their digests: where two keys share them, the one that was seen last has the row.
CREATE TABLE deletion_candidates (
    pair_hash INTEGER NOT NULL,
    key_hash INTEGER NOT NULL,
    file_key TEXT NOT NULL,
    destination_etag TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    seen_batch INTEGER NOT NULL,
    seen_at TEXT NOT NULL,
    times_missed INTEGER NOT NULL,
    first_missed_batch INTEGER NOT NULL,
    first_missed_at TEXT NOT NULL,
    last_missed_batch INTEGER NOT NULL,
    last_missed_at TEXT NOT NULL,
    confirmed INTEGER NOT NULL,
    approved_etag TEXT,
    PRIMARY KEY (pair_hash, key_hash)
) WITHOUT ROWID;

CREATE INDEX deletion_candidates_seen ON deletion_candidates (pair_hash, seen_at);

INSERT INTO schema_migrations (version) VALUES (4);
