"""Tests of prices, billing rules and sums."""
