"""One route inside a worker: its buckets, what signs their requests, its mover, and what is to be told of it."""

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable

from s3mover.model import Credentials, Order, Outcome, Side, unmoved
from s3mover.s3.bucket import Bucket
from s3mover.s3.throttle import Pace
from s3mover.transfer.abilities import Abilities
from s3mover.transfer.mover import Mover
from s3mover.transfer.persistence import persistent
from s3mover.transfer.server_side import ServerSideCopy
from s3mover.transfer.streaming import Streaming
from s3mover.transfer.ways import RunParts
from s3mover.workers.messages import RouteBrief


class RouteRecord:
    """What stays of a route in a worker when it is told anew: what is in hand goes on with it."""

    def __init__(self) -> None:
        self.recalled = threading.Event()
        self.requests = RequestCounter()
        self.credentials: dict[Side, Credentials] = {}


class Route:
    """What a worker's threads need for the orders of one route; threads share it.

    `share` is this worker's part of the route's bounds, `run_parts` does the parts of large objects.
    """

    def __init__(
        self, name: str, brief: RouteBrief, share: float, run_parts: RunParts, record: RouteRecord
    ) -> None:
        self.name = name
        self.record = record
        record.credentials.update(brief.credentials)
        self._paces = Pace(brief.requests_per_second * share), Pace(brief.bytes_per_second * share)
        self._mover = self._build_mover(brief, run_parts)

    def move(self, order: Order) -> Outcome:
        """Carry out one order; a defect of ours becomes an outcome, too."""
        try:
            return self._mover.move(order)
        except Exception as defect:  # noqa: BLE001 - a defect met on one object must not stop the others
            return _defect(order, defect)

    def renew(self, side: Side, credentials: Credentials) -> None:
        """Sign with `credentials` from now on."""
        self.record.credentials[side] = credentials

    def _pause(self, seconds: float) -> bool:
        return not self.record.recalled.wait(seconds)

    def _build_mover(self, brief: RouteBrief, run_parts: RunParts) -> Mover:
        source = self._bucket(brief, Side.SOURCE, Side.SOURCE)
        destination = self._bucket(brief, Side.DESTINATION, Side.DESTINATION)
        principals = [destination, self._bucket(brief, Side.DESTINATION, Side.SOURCE)]
        abilities = Abilities(time.monotonic)
        persist = persistent(brief.policy.max_attempts, self._pause)
        return Mover(
            source,
            destination,
            ServerSideCopy(source, principals, brief.policy, run_parts, abilities, persist),
            Streaming(source, destination, brief.policy, run_parts, abilities, persist),
            brief.policy,
            self._pause,
        )

    def _bucket(self, brief: RouteBrief, place: Side, signer: Side) -> Bucket:
        at_source = place is Side.SOURCE
        pace, body_pace = self._paces
        return Bucket(
            brief.source if at_source else brief.destination,
            self._signer(signer),
            self.record.requests.counter(place),
            expected_owner=brief.source_owner if at_source else brief.destination_owner,
            expected_source_owner=brief.source_owner,
            request_payer=brief.request_payer,
            pace=pace,
            body_pace=body_pace,
        )

    def _signer(self, side: Side) -> Callable[[], Credentials]:
        return lambda: self.record.credentials[side]


class RequestCounter:
    """Counts requests from many threads until they are taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[Side, str, str]] = Counter()

    def counter(self, side: Side) -> Callable[[str, str], None]:
        """Return what a bucket of `side` calls with the operation and code of each answered request."""

        def count(operation: str, code: str) -> None:
            with self._lock:
                self._counts[side, operation, code] += 1

        return count

    def take(self) -> dict[tuple[Side, str, str], int]:
        """Return the counts since the last call."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return dict(counts)


def _defect(order: Order, defect: Exception) -> Outcome:
    trace = "".join(traceback.format_exception(defect, limit=-3))
    return unmoved(order, "Defect", trace, time.time())
