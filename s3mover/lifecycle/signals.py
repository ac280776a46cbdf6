"""What each signal means. A handler only notes a wish; the loops hear of it in their own time."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.lifecycle.stop import Stop, end_by

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def stopping_on_signals(stop: Stop, grace: Callable[[], float]) -> Iterator[None]:
    """Let SIGTERM and SIGINT ask for a stop within `grace` seconds; a second one ends the process at once."""

    def note(number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            end_by(number)
        stop.request(signal.Signals(number).name, grace())

    with _handling({signal.SIGTERM: note, signal.SIGINT: note}):
        yield


@contextmanager
def handling_signals(requests: OperatorRequests) -> Iterator[None]:
    """Let SIGHUP ask for the settings to be read again, and SIGUSR1 for a sweep now."""
    with _handling(
        {signal.SIGHUP: lambda *_: requests.reload(), signal.SIGUSR1: lambda *_: requests.sweep()},
    ):
        yield


@contextmanager
def _handling(handlers: Mapping[signal.Signals, Handler]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
