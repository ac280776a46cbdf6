"""The supervisor's side of the workers: starts and replaces them, hands out orders, and receives reports."""
