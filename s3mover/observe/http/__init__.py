"""The HTTP server of the daemon: metrics, health, readiness and status."""
