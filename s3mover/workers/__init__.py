"""Worker processes: the pool that runs them, the process itself, the rate limits, and the messages between them."""
