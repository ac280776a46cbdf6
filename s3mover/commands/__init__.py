"""The commands, one file each; `cli.py` defines their options, `run` is in `app/daemon.py`."""
