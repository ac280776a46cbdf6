"""Tests of what people and machines see of the work."""
