"""TODO lifecycle."""
