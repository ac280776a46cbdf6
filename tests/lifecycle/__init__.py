"""Tests of the words that all rooms share, and of the supervisor that knows little more than them."""
