"""TODO workers/process."""
