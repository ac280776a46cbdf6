"""Observability: logs, metrics, status over HTTP, summary files, the progress bar, notification of systemd."""
