"""Tests of the core: records that all packages share."""
