"""`s3mover` that tells on SIGUSR2 how many blocks of memory its interpreter holds: in the file `blocks` where it runs.

That is all that the supervisor remembers, the trail's client included, whatever the allocator keeps beside it.
"""

import gc
import signal
import sys
from pathlib import Path
from types import FrameType

from s3mover.cli import run_command_line

BLOCKS = "blocks"


def _tell(_number: int, _frame: FrameType | None) -> None:
    gc.collect()
    fresh = Path(f"{BLOCKS}.new")
    fresh.write_text(str(sys.getallocatedblocks()))
    fresh.rename(BLOCKS)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR2, _tell)
    sys.exit(run_command_line(sys.argv[1:]))
