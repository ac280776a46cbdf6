"""The switchboard."""
