"""The door that `python -m s3mover` and the command `s3mover` come through."""

import os
import sys

from s3mover.cli import run_command_line
from s3mover.lifecycle.stop import handle_term_as_first_process


def main() -> None:
    """Run the command line and end the program with its exit code."""
    handle_term_as_first_process()
    code = run_command_line(sys.argv[1:])
    if _all_is_said():
        # To take all modules apart, which the interpreter would do now, lasts 10 ms and more; nothing is left open.
        os._exit(code)
    sys.exit(code)


def _all_is_said() -> bool:
    """Tell whether everything written has gone out; of what cannot, the interpreter knows what to say."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # as it is where it was closed before we came
                stream.flush()
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    main()
