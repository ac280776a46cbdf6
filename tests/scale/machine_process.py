"""A machine whose tasks are short scripts: `python -m tests.scale.machine_process NAME` with the settings of `scale`.

A task is `VERB ARGUMENT`. It announces in the log that it began, and how it ended.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from s3mover.events import Notify, RangeFinished, RangeStarted
from s3mover.lifecycle.deadline import run_until_deadline
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.model import Tally
from s3mover.observe.logs import LogListener, configure
from s3mover.scale.machine import LEAVING_SECONDS, Machine
from s3mover.settings.load import load

POLL_SECONDS = 0.01
# More than any test takes.
GRACE_SECONDS = 60.0


class Tasks:
    """Runs the scripts."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify

    def __call__(self, payload: bytes, stopped: Callable[[], bool]) -> Any:
        """Run one task."""
        verb, _, argument = payload.decode().partition(" ")
        self._notify(RangeStarted(0, 0, 1))
        answer = getattr(self, verb)(argument, stopped)
        end = "stopped" if stopped() else "completed"
        self._notify(RangeFinished(0, 0, end, Tally(), 0.0, threading.current_thread().name))
        return answer

    def echo(self, argument: str, _stopped: Callable[[], bool]) -> bytes:
        """Answer with the argument."""
        return argument.encode()

    def until_stopped(self, argument: str, stopped: Callable[[], bool]) -> bytes:
        """Work until the machine is to stop, or has left the cluster; then answer with the argument."""
        while not stopped():
            time.sleep(POLL_SECONDS)
        return argument.encode()

    def until_file(self, argument: str, _stopped: Callable[[], bool]) -> bytes:
        """Work until a file is there, whatever else happens."""
        while not Path(argument).exists():
            time.sleep(POLL_SECONDS)
        return b"done"

    def fail(self, argument: str, _stopped: Callable[[], bool]) -> bytes:
        """Fail as no task may."""
        raise OSError(argument)

    def hostile(self, argument: str, _stopped: Callable[[], bool]) -> Any:
        """Answer with what writes a file where it is unpickled."""
        return Trap(argument)


class Trap:
    """Writes a file where it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


def main() -> None:
    """Run the machine until SIGTERM."""
    configure("info", "json", sys.stdout)
    scale = load(None, os.environ, {}, buckets=False).scale
    stop, notify = Stop(), LogListener()
    with stopping_on_signals(stop, lambda: GRACE_SECONDS):
        machine = Machine(scale, sys.argv[1], Tasks(notify), stop, notify)
        run_until_deadline(stop, machine.run, LEAVING_SECONDS)


if __name__ == "__main__":
    main()
