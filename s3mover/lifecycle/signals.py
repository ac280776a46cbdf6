"""What each signal does. A handler only records a request, which the loops poll for; a second stop signal kills."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop

Handler = Callable[[int, FrameType | None], None]

# A shell reports a command that a signal ended with this exit code plus the signal's number.
_SIGNAL_EXIT_CODE = 128


@contextmanager
def stopping_on_signals(stop: Stop, grace: Callable[[], float]) -> Iterator[None]:
    """Request a stop within `grace` seconds on SIGTERM and SIGINT; a second signal kills the process at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            kill_by(number)
        stop.request(signal.Signals(number).name, grace())

    with _handling({signal.SIGTERM: handle, signal.SIGINT: handle}):
        yield


@contextmanager
def exiting_on_term(code: int) -> Iterator[None]:
    """Exit with `code` at once on SIGTERM: for the time in which there is nothing to stop yet."""
    with _handling({signal.SIGTERM: lambda *_: os._exit(code)}):
        yield


@contextmanager
def handling_signals(requests: OperatorRequests) -> Iterator[None]:
    """Request a reload of the settings on SIGHUP, and a sweep on SIGUSR1."""
    with _handling(
        {signal.SIGHUP: lambda *_: requests.reload(), signal.SIGUSR1: lambda *_: requests.sweep()},
    ):
        yield


def kill_by(number: int) -> NoReturn:
    """Kill this process at once, as the default action of a signal does."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(_SIGNAL_EXIT_CODE + number)


@contextmanager
def _handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
