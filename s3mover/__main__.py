"""The door that `python -m s3mover` and the command `s3mover` come through."""

import sys

from s3mover.stop import heed_term_as_first_process


def main() -> None:
    """Run the command line and end the program with its exit code."""
    heed_term_as_first_process()
    # Imported here, because every worker process imports this module once more when it is spawned from the
    # installed command, and needs nothing of the command line.
    from s3mover.cli import run_command_line  # noqa: PLC0415

    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
