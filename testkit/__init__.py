"""What tests and benchmarks share: programs and servers to run, the buckets of a test, waits, reports."""
