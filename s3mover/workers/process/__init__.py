"""A worker process: its threads, the queue of its tasks, and the transfers of each route."""
