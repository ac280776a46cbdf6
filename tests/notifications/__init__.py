"""Tests of the events from a queue."""
