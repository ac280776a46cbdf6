"""Deletions carried over to the destination: seen while a sweep lists, judged and carried out once it has completed."""
