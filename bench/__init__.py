"""Benchmarks: s3mover beside its peers, on a server that is lean enough not to be what is measured."""
