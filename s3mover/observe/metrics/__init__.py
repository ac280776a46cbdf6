"""The Prometheus metrics: their definitions, the listener that updates them, and how they are exposed."""
