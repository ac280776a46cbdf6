"""The source's events as a source of work beside the sweeps, on the same thread and with the same worker pool."""
