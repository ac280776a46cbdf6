"""The limits of a process without workers, as of `verify` and of a dry run: the same ones, which it need not share."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from s3mover.workers.messages import Rates
from s3mover.workers.ratelimit.coordinator import RateCoordinator
from s3mover.workers.ratelimit.local_traffic import ASK_SECONDS, LocalTraffic

ROUTE = "alone"


@contextmanager
def standalone_limits(bounds: Mapping[str, float]) -> Iterator[LocalTraffic]:
    """Yield what requests pass, governed by a thread of its own; `bounds` are the user's by valve, 0 for none."""
    stirred, ended = threading.Event(), threading.Event()
    steward = RateCoordinator([ROUTE], 1, stirred.set, send=_nobody, announce=_unheard)
    steward.configure(ROUTE, bounds)

    def govern() -> None:
        while not ended.is_set():
            stirred.wait(ASK_SECONDS)
            stirred.clear()
            steward.poll()

    thread = threading.Thread(target=govern, name="governor", daemon=True)
    thread.start()
    try:
        yield steward.local_traffic(ROUTE)
    finally:
        ended.set()
        stirred.set()
        thread.join()


def _nobody(worker: int, _: Rates) -> None:
    raise RuntimeError(f"there is no worker {worker}")


def _unheard(*_: object) -> None:
    """Nobody listens to a command's limits."""
