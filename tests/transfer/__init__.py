"""Tests of the work on one object."""
