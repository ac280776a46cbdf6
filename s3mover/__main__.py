"""Entry point of `python -m s3mover` and of the script `s3mover`."""

import os
import sys

from s3mover.lifecycle.init_process import leave_first_process
from s3mover.lifecycle.process import disable_core_files, occupy_closed_descriptors, require_utf8


def main() -> None:
    """Run the command line and exit with its code."""
    require_utf8()
    disable_core_files()
    leave_first_process()
    occupy_closed_descriptors()
    # The first process of a container, which stays, needs none of these modules.
    from s3mover.cli import run_command_line  # noqa: PLC0415
    from s3mover.observe.output import drain  # noqa: PLC0415

    code = run_command_line(sys.argv[1:])
    drain()
    if _flushed():
        # Skips the interpreter's teardown of modules, which takes 10 ms and more; everything is closed already.
        os._exit(code)
    sys.exit(code)


def _flushed() -> bool:
    """Flush standard output and error; return False if that fails, which the interpreter reports at exit."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # None if it was closed before the program started
                stream.flush()
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    main()
