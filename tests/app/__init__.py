"""Tests of the assembly of parts from settings."""
