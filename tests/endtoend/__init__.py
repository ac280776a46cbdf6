"""The program as its users meet it: commands, settings, exit codes, on real servers."""
