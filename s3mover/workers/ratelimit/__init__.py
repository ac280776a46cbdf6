"""Rate limits on requests and bytes, shared among the workers and the supervisor."""
