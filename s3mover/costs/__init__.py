"""What requests, bytes and storage cost: prices, billing rules, sums. Pure; `settings/prices.py` reads the prices."""
