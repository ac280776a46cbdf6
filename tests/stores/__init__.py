"""Tests that move objects through S3 servers that were not made for s3mover (`make test-stores`)."""
