"""Benchmarks: s3mover beside its peers, and single packages by `python -m bench.NAME`. No test runs them."""
