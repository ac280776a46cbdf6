"""The plan: which objects of the source are missing or different at the destination."""
