"""The crew: processes and threads that carry out orders."""
