"""The sweep: one pass over a pair of buckets, and the recovery of what an interrupted one left."""
