"""How fast it goes: each module measures one room by `python -m bench.NAME` and prints a table. No test runs them."""
