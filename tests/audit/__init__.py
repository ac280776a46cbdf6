"""The trail: one contract for every database, and what is particular to each."""
