"""Tests of supervisor, start gate, signals, stop, operator requests and control socket."""
