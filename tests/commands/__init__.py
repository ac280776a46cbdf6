"""Tests of the commands' output."""
