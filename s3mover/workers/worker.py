"""One worker process: its threads take orders, its main thread listens to the pipe, a reporter answers.

It knows no supervisor, no trail and no boto3. When its pipe closes it ends at once: nobody would record what it
still did.
"""

import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import TypeVar

from s3mover.model import Credentials, Order, Outcome, Side, unmoved
from s3mover.s3.bucket import Bucket
from s3mover.s3.throttle import Pace
from s3mover.transfer.abilities import Abilities
from s3mover.transfer.mover import Mover
from s3mover.transfer.persistence import persistent
from s3mover.transfer.server_side import ServerSideCopy
from s3mover.transfer.streaming import Streaming
from s3mover.workers.messages import Brief, Extend, Hand, Quit, Recall, Renew, Report, ToWorker
from s3mover.workers.sharing import Invitation, Sharing
from s3mover.workers.trust import Trust, TrustedPace

T = TypeVar("T")

# At most a third of the threads help with the parts of large objects: small ones keep flowing beside them.
PARTS_SHARE = 3

# How long outcomes gather before they are sent: long enough for dozens of small objects in one message,
# short enough that the last object of a sweep does not wait noticeably.
GATHER_SECONDS = 0.02


def serve(brief: Brief, connection: Connection) -> None:
    """Work until the pipe closes; the entry point of a worker process."""
    # A terminal's Ctrl-C and a service manager's TERM reach the whole group; stopping is the supervisor's to order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Worker(brief, connection).listen()


class Worker:
    """The threads of one process around one queue of orders."""

    def __init__(self, brief: Brief, connection: Connection) -> None:
        self._connection = connection
        self._credentials = dict(brief.credentials)
        self._orders: SimpleQueue[Order | Invitation] = SimpleQueue()
        self._ended: SimpleQueue[Outcome | list[Order]] = SimpleQueue()
        self._recalled = threading.Event()
        self._requests = RequestCounter()
        self._trust = Trust()
        self._mover = self._build_mover(brief)
        for number in range(brief.threads):
            threading.Thread(target=self._work, name=f"transfer-{number}", daemon=True).start()
        threading.Thread(target=self._report, name="reporter", daemon=True).start()

    def listen(self) -> None:
        """Obey what comes over the pipe until it closes or says to quit."""
        while True:
            try:
                message: ToWorker = self._connection.recv()
            except (EOFError, ConnectionError):
                return
            if isinstance(message, Quit):
                return
            self._obey(message)

    def _obey(self, message: Hand | Renew | Recall | Extend) -> None:
        match message:
            case Hand(orders):
                self._recalled.clear()
                for order in orders:
                    self._orders.put(order)
            case Renew(side, credentials):
                self._credentials[side] = credentials
            case Extend(until):
                self._trust.extend(until)
            case Recall():
                self._recalled.set()
                # Invitations are dropped with the rest: who has a large object in hand goes on without help.
                self._ended.put([task for task in _drain(self._orders) if isinstance(task, Order)])

    def _work(self) -> None:
        while True:
            task = self._orders.get()
            if isinstance(task, Order):
                self._ended.put(self._move(task))
            elif task.help():
                self._orders.put(task)

    def _move(self, order: Order) -> Outcome:
        try:
            return self._mover.move(order)
        except Exception as defect:  # noqa: BLE001 - a defect met on one object must not stop the others
            return _defect(order, defect)

    def _report(self) -> None:
        while True:
            ended = [self._ended.get()]
            time.sleep(GATHER_SECONDS)
            ended += _drain(self._ended)
            outcomes = [item for item in ended if isinstance(item, Outcome)]
            returned = [order for item in ended if not isinstance(item, Outcome) for order in item]
            try:
                self._connection.send(Report(outcomes, returned, self._requests.take()))
            except (BrokenPipeError, ConnectionError):
                return

    def _pause(self, seconds: float) -> bool:
        return not self._recalled.wait(seconds)

    def _build_mover(self, brief: Brief) -> Mover:
        pace = TrustedPace(brief.requests_per_second, self._trust)
        body_pace = Pace(brief.bytes_per_second)

        def bucket(place: Side, signer: Side) -> Bucket:
            at_source = place is Side.SOURCE
            return Bucket(
                brief.source if at_source else brief.destination,
                self._signer(signer),
                self._requests.counter(place),
                expected_owner=brief.source_owner if at_source else brief.destination_owner,
                expected_source_owner=brief.source_owner,
                request_payer=brief.request_payer,
                pace=pace,
                body_pace=body_pace,
            )

        source = bucket(Side.SOURCE, Side.SOURCE)
        destination = bucket(Side.DESTINATION, Side.DESTINATION)
        principals = [destination, bucket(Side.DESTINATION, Side.SOURCE)]
        sharing = Sharing(self._orders.put, brief.threads // PARTS_SHARE)
        abilities = Abilities(time.monotonic)
        persist = persistent(brief.policy.max_attempts, self._pause)
        return Mover(
            source,
            destination,
            ServerSideCopy(source, principals, brief.policy, sharing.run, abilities, persist),
            Streaming(source, destination, brief.policy, sharing.run, abilities, persist),
            brief.policy,
            self._pause,
        )

    def _signer(self, side: Side) -> Callable[[], Credentials]:
        return lambda: self._credentials[side]


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


def _drain(queue: SimpleQueue[T]) -> list[T]:
    items = []
    while True:
        try:
            items.append(queue.get_nowait())
        except Empty:
            return items


def _defect(order: Order, defect: Exception) -> Outcome:
    trace = "".join(traceback.format_exception(defect, limit=-3))
    return unmoved(order, "Defect", trace, time.time())
