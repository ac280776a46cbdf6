"""The crew: worker processes, who has which orders, and what happens when a worker dies.

One thread owns the crew and calls its methods; a reader thread per worker only puts what it hears into that
thread's inbox. No lock and no queue is shared between processes, so a killed worker takes nothing with it.
"""

import multiprocessing
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from s3mover.errors import MoverError
from s3mover.events import Notify, RequestsMade, WorkerDied, WorkerStarted
from s3mover.model import WORKER_DIED, Credentials, Order, Outcome, Side, unmoved
from s3mover.workers.messages import Brief, Extend, Hand, Quit, Recall, Renew, Report, ToWorker
from s3mover.workers.worker import serve

# Orders that a worker holds per thread: one in hand and some waiting, so that no thread idles while outcomes and
# new orders are on their way.
ORDERS_PER_THREAD = 4
# An order that was in the hands of so many dying workers is set aside: it may be what kills them.
MOST_DEATHS = 3
# Workers that die without ever reporting anything cannot work here at all.
MOST_STILLBORN = 5

# Clean processes: a fork would copy locks that the supervisor's threads hold at that instant.
_processes = multiprocessing.get_context("spawn")


class FromWorker(NamedTuple):
    """What a reader thread heard: a report, or that the worker's pipe closed (None)."""

    worker: int
    report: Report | None


class Settled(NamedTuple):
    """What a message came to: orders that ended, and orders that were given back unbegun."""

    outcomes: list[Outcome]
    returned: list[Order]


@dataclass(slots=True)
class _Member:
    number: int
    process: SpawnProcess
    pipe: Connection
    reader: threading.Thread
    brief: Brief
    hired_at: float
    orders: dict[tuple[int, int], Order] = field(default_factory=dict)
    reported: bool = False

    @property
    def room(self) -> int:
        return self.brief.threads * ORDERS_PER_THREAD - len(self.orders)


class Crew:
    """Worker processes that share the orders among them.

    `deliver` takes what workers say, from any thread; the owner passes it on to `hear`.
    """

    def __init__(
        self, briefs: Sequence[Brief], deliver: Callable[[FromWorker], None], notify: Notify
    ) -> None:
        self.briefs = briefs
        self._deliver = deliver
        self._notify = notify
        self._members: dict[int, _Member] = {}
        self._hired = 0
        self._waiting: deque[Order] = deque()
        self._deaths: Counter[tuple[int, int]] = Counter()
        self._stillborn = 0
        self._renewed: dict[Side, Credentials] = {}
        self._trusted_until: float | None = None

    def start(self) -> None:
        """Start all worker processes; returns without waiting for them."""
        for brief in self.briefs:
            self._hire(brief)

    def room(self) -> int:
        """How many orders can be handed out now."""
        return max(0, sum(member.room for member in self._members.values()) - len(self._waiting))

    def window(self) -> int:
        """How many orders the crew holds at most."""
        return sum(brief.threads for brief in self.briefs) * ORDERS_PER_THREAD

    def in_flight(self) -> int:
        """How many orders are out."""
        return len(self._waiting) + sum(len(member.orders) for member in self._members.values())

    def hand_out(self, orders: Iterable[Order]) -> None:
        """Share `orders` among the workers, those with most room first."""
        self._waiting.extend(orders)
        share = max(1, -(-len(self._waiting) // max(1, len(self._members))))
        while self._waiting:
            member = max(self._members.values(), key=lambda member: member.room, default=None)
            if member is None or member.room <= 0:
                return
            count = min(share, member.room, len(self._waiting))
            self._hand(member, [self._waiting.popleft() for _ in range(count)])

    def hear(self, message: FromWorker) -> Settled:
        """Take in what a worker said and tell what it settles; a dead worker is replaced, its orders handed on."""
        member = self._members.get(message.worker)
        if member is None:
            return Settled([], [])
        if message.report is None:
            return Settled(self._bury(member), [])
        return self._book(member, message.report)

    def renew(self, side: Side, credentials: Credentials) -> None:
        """Let every worker, later ones too, sign with `credentials`."""
        self._renewed[side] = credentials
        for member in self._members.values():
            _send(member, Renew(side, credentials))

    def trust(self, until: float) -> None:
        """Let every worker, later ones too, begin requests until then (see `workers/trust.py`)."""
        self._trusted_until = until
        for member in self._members.values():
            _send(member, Extend(until))

    def recall(self) -> list[Order]:
        """Ask the workers for what they have not begun; they answer with a report. Returns what none of them had."""
        for member in self._members.values():
            _send(member, Recall())
        unassigned = list(self._waiting)
        self._waiting.clear()
        return unassigned

    def dismiss(self, grace: float) -> None:
        """End all workers; who is not gone after `grace` seconds is killed."""
        members = list(self._members.values())
        self._members.clear()
        for member in members:
            _send(member, Quit())
        for member in members:
            member.process.join(grace)
            _end(member)

    def _hire(self, brief: Brief) -> None:
        self._hired += 1
        ours, theirs = _processes.Pipe()
        hired_at = time.time()
        name = f"s3mover-worker-{self._hired}"
        process = _processes.Process(target=serve, args=(brief, theirs), name=name, daemon=True)
        process.start()
        theirs.close()
        reader = threading.Thread(target=self._read, args=(self._hired, ours), name=name, daemon=True)
        reader.start()
        member = _Member(self._hired, process, ours, reader, brief, hired_at)
        self._members[member.number] = member
        for side, credentials in self._renewed.items():
            _send(member, Renew(side, credentials))
        if self._trusted_until is not None:
            _send(member, Extend(self._trusted_until))
        self._notify(WorkerStarted(member.number, process.pid or 0, brief.threads))

    def _read(self, worker: int, pipe: Connection) -> None:
        try:
            while True:
                self._deliver(FromWorker(worker, pipe.recv()))
        except (EOFError, OSError):
            self._deliver(FromWorker(worker, None))

    def _hand(self, member: _Member, orders: list[Order]) -> None:
        member.orders.update(((order.sweep, order.number), order) for order in orders)
        _send(member, Hand(orders))

    def _book(self, member: _Member, report: Report) -> Settled:
        member.reported = True
        self._stillborn = 0
        for (side, operation, code), count in report.requests.items():
            self._notify(RequestsMade(side, operation, code, count))
        identities = [(outcome.sweep, outcome.number) for outcome in report.outcomes]
        identities += [(order.sweep, order.number) for order in report.returned]
        for identity in identities:
            member.orders.pop(identity, None)
            self._deaths.pop(identity, None)
        self.hand_out([])
        return Settled(report.outcomes, report.returned)

    def _bury(self, member: _Member) -> list[Outcome]:
        del self._members[member.number]
        code = f"exit {_end(member)}"
        self._notify(WorkerDied(member.number, code, len(member.orders)))
        self._refuse_endless_dying(member)
        self._hire(member.brief)
        fatal = [order for identity, order in member.orders.items() if self._died_with(identity)]
        self.hand_out(_orphaned(order, member) for order in member.orders.values() if order not in fatal)
        return [_set_aside(order, code) for order in fatal]

    def _died_with(self, identity: tuple[int, int]) -> bool:
        self._deaths[identity] += 1
        return self._deaths[identity] >= MOST_DEATHS

    def _refuse_endless_dying(self, member: _Member) -> None:
        self._stillborn += 0 if member.reported else 1
        if self._stillborn >= MOST_STILLBORN:
            raise MoverError(f"{self._stillborn} worker processes ended before they did anything")


def share_threads(threads: int, processes: int) -> list[int]:
    """Divide `threads` over `processes` as evenly as can be; the first ones get one more where it does not divide."""
    each, more = divmod(threads, processes)
    return [each + (1 if number < more else 0) for number in range(processes)]


def _end(member: _Member) -> int | None:
    """See to it that the worker has gone, and give back its exit code."""
    # A worker whose pipe broke, or whose time is up, cannot report any more, whatever it still does.
    member.process.kill()
    member.process.join()
    # The reader comes to the pipe's end now; only then may the pipe be closed under it.
    member.reader.join()
    member.pipe.close()
    code = member.process.exitcode
    member.process.close()
    return code


def _send(member: _Member, message: ToWorker) -> None:
    try:
        member.pipe.send(message)
    except (BrokenPipeError, ConnectionError):
        # The worker died: its reader delivers that, and `hear` hands its orders on.
        return


def _orphaned(order: Order, by: _Member) -> Order:
    return order._replace(orphaned_since=order.orphaned_since or by.hired_at)


def _set_aside(order: Order, code: str) -> Outcome:
    said = f"{MOST_DEATHS} workers died while they had this object in hand; the last one with {code}"
    return unmoved(order, WORKER_DIED, said, time.time(), MOST_DEATHS)
