-- Seals: for each sweep that ended, the Merkle root of its rows, chained by the hash of the seal before it. `content` is
-- what is hashed and signed, byte by byte; the columns before it repeat what queries need.
CREATE TABLE audit_seals (
    pair TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sweep', 'amendment')),
    sweep_id INTEGER NOT NULL,
    sealed_at TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    root TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    pruned_before TEXT,
    content TEXT NOT NULL,
    signature TEXT NOT NULL DEFAULT '',
    anchored_at TEXT,
    PRIMARY KEY (pair, number)
);

CREATE INDEX audit_seals_sweep ON audit_seals (sweep_id, number);

-- The first bytes of the hash of each sealed row, by which rows that were changed, removed or added are found. They
-- prove nothing by themselves.
CREATE TABLE audit_seal_marks (
    sweep_id INTEGER NOT NULL,
    first_number INTEGER NOT NULL,
    marks BLOB NOT NULL,
    PRIMARY KEY (sweep_id, first_number)
) WITHOUT ROWID;

INSERT INTO schema_migrations (version) VALUES (8);
