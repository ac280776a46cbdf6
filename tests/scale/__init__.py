"""Tests of `s3mover.scale`."""
