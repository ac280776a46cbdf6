"""The simulator is equipment that judges; these are the checks on the judge."""
