"""The life cycle of the daemon: supervisor, start gate, signals, stop, operator requests, control socket; not S3."""
