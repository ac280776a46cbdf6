"""The door that `python -m s3mover` and the command `s3mover` come through."""

import sys

from s3mover.cli import run_command_line
from s3mover.stop import heed_term_as_first_process


def main() -> None:
    """Run the command line and end the program with its exit code."""
    heed_term_as_first_process()
    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
