"""The trail: what was intended, what became of it, in a database that outlives every process."""
