"""TODO workers/pool."""
