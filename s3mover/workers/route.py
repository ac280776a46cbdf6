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
from s3mover.transfer.thoroughness import Thoroughness
from s3mover.transfer.ways import RunParts
from s3mover.workers.messages import RouteBrief
from s3mover.workers.slate import Signs


class Route:
    """What a worker's threads need for the orders of one route; threads share it.

    `share` is this worker's part of the route's bounds, `run_parts` does the parts of large objects, `signs` are where
    threads show that they go on.
    """

    def __init__(self, name: str, brief: RouteBrief, share: float, run_parts: RunParts, signs: Signs) -> None:
        self.name = name
        self._signs = signs
        self.recalled = threading.Event()
        self.requests = RequestCounter()
        self._credentials = dict(brief.credentials)
        self._gates = (
            Turnstile(Pace(brief.requests_per_second * share), signs),
            Turnstile(Pace(brief.bytes_per_second * share), signs),
        )
        self._mover = self._build_mover(brief, run_parts)

    def move(self, order: Order) -> Outcome:
        """Carry out one order; a defect of ours becomes an outcome, too."""
        try:
            return self._mover.move(order)
        except Exception as defect:  # noqa: BLE001 - a defect met on one object must not stop the others
            return _defect(order, defect)

    def renew(self, side: Side, credentials: Credentials) -> None:
        """Sign with `credentials` from now on."""
        self._credentials[side] = credentials

    def _pause(self, seconds: float) -> bool:
        with self._signs.resting():
            return not self.recalled.wait(seconds)

    def _build_mover(self, brief: RouteBrief, run_parts: RunParts) -> Mover:
        source = self._bucket(brief, Side.SOURCE, Side.SOURCE)
        destination = self._bucket(brief, Side.DESTINATION, Side.DESTINATION)
        principals = [destination, self._bucket(brief, Side.DESTINATION, Side.SOURCE)]
        abilities = Abilities(time.monotonic)
        persist = persistent(brief.policy.max_attempts, self._pause)
        thoroughness = Thoroughness(brief.policy.thorough, source, destination, time.monotonic, persist)
        return Mover(
            source,
            destination,
            ServerSideCopy(
                source, principals, brief.policy, run_parts, abilities, thoroughness.wanted, persist
            ),
            Streaming(source, destination, brief.policy, run_parts, abilities, persist),
            brief.policy,
            self._pause,
        )

    def _bucket(self, brief: RouteBrief, place: Side, signer: Side) -> Bucket:
        at_source = place is Side.SOURCE
        pace, body_pace = self._gates
        return Bucket(
            brief.source if at_source else brief.destination,
            self._signer(signer),
            self.requests.counter(place),
            expected_owner=brief.source_owner if at_source else brief.destination_owner,
            expected_source_owner=brief.source_owner,
            request_payer=brief.request_payer,
            pace=pace,
            body_pace=body_pace,
        )

    def _signer(self, side: Side) -> Callable[[], Credentials]:
        return lambda: self._credentials[side]


class Turnstile:
    """A gate at which threads show that they go on, and that they wait where they wait."""

    def __init__(self, pace: Pace, signs: Signs) -> None:
        self._pace = pace
        self._signs = signs

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        if self._pace.is_open:
            self._signs.give()
            return
        with self._signs.resting():
            self._pace.take(units)


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
