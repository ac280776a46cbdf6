-- What the requests, transfers and retrievals of each batch cost: `micros` are micro-dollars, of one run (a process) for
-- one batch since its beginning, as of the end of a day in UTC. Batch 0 is what was done between batches. The column
-- cost_usd is NULL where no price is known.
CREATE TABLE batch_costs (
    pair_hash INTEGER NOT NULL,
    day TEXT NOT NULL,
    batch_id INTEGER NOT NULL,
    run INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    PRIMARY KEY (pair_hash, day, batch_id, run)
) WITHOUT ROWID;

CREATE INDEX batch_costs_run ON batch_costs (batch_id, run, day);

ALTER TABLE migration_batches ADD COLUMN cost_usd NUMERIC;

INSERT INTO schema_migrations (version) VALUES (9);
