"""How fast it goes: s3mover beside its peers, and single rooms by `python -m bench.NAME`. No test runs them."""
