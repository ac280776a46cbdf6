"""Diagnostics behind the commands `check`, `policy` and `verify`."""
