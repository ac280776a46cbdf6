"""The limits of a process without workers, as of `verify` and of a dry run: the same ones, which it need not share."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from s3mover.workers.limits import OWN, Governor
from s3mover.workers.own import ASK_SECONDS, OwnRequests, OwnTraffic

ROUTE = "alone"


@contextmanager
def governed_alone(bounds: Mapping[str, float]) -> Iterator[OwnTraffic]:
    """Yield what requests pass, governed by a thread of its own; `bounds` are the user's by valve, 0 for none."""
    stirred, ended = threading.Event(), threading.Event()
    own = OwnRequests([ROUTE], stirred.set)
    governor = Governor([ROUTE], 1, time.monotonic())
    governor.learn(ROUTE, bounds, time.monotonic())

    def look() -> None:
        now = time.monotonic()
        for report in own.reports(now):
            governor.hear(OWN, now, report)
        for _, rates in governor.due(now):
            own.obey(rates)

    def govern() -> None:
        while not ended.is_set():
            stirred.wait(ASK_SECONDS)
            stirred.clear()
            look()

    look()
    thread = threading.Thread(target=govern, name="governor", daemon=True)
    thread.start()
    try:
        yield own.of(ROUTE)
    finally:
        ended.set()
        stirred.set()
        thread.join()
