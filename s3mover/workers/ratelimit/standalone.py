"""Rate limits for a command without workers, such as `verify` and a dry run: the same limits, not shared."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from s3mover.workers.messages import SetRate
from s3mover.workers.ratelimit.coordinator import LOCAL_REPORT_SECONDS, RateCoordinator
from s3mover.workers.ratelimit.local_traffic import LocalTraffic

ROUTE = "standalone"


@contextmanager
def standalone_limits(bounds: Mapping[str, float]) -> Iterator[LocalTraffic]:
    """Yield what requests pass; a thread adjusts the limits. `bounds` are the user's by limit, 0 for none."""
    has_activity, has_ended = threading.Event(), threading.Event()
    rates = RateCoordinator([ROUTE], 1, has_activity.set, send=_no_worker, announce=_ignore)
    rates.configure(ROUTE, bounds)

    def adjust() -> None:
        while not has_ended.is_set():
            has_activity.wait(LOCAL_REPORT_SECONDS)
            has_activity.clear()
            rates.poll()

    thread = threading.Thread(target=adjust, name="rates", daemon=True)
    thread.start()
    try:
        yield rates.local_traffic(ROUTE)
    finally:
        has_ended.set()
        has_activity.set()
        thread.join()


def _no_worker(worker: int, _: SetRate) -> None:
    raise RuntimeError(f"there is no worker {worker}")


def _ignore(*_: object) -> None:
    """Announce nothing: a command's limits have no audience."""
