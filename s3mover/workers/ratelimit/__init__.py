"""TODO workers/ratelimit."""
