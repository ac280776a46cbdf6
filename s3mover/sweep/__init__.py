"""The round: one pass over a pair of buckets, and what a cut-off pass left behind."""
