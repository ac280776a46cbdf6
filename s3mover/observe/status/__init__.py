"""The status of the daemon: its state, the current sweep, the last sweeps and failures."""
