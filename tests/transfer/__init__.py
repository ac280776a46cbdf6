"""Tests of the transfer of one object."""
