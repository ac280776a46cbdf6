"""One worker process: its threads take orders, its main thread listens to the pipe, a reporter answers.

It knows no supervisor, no trail and no boto3. When its pipe closes it ends at once: nobody would record what it
still did.
"""

import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import NamedTuple, TypeVar

from s3mover.model import Order, Outcome
from s3mover.workers.messages import Brief, Hand, Learn, Quit, Recall, Renew, Report, RouteBrief, ToWorker
from s3mover.workers.route import Route, RouteRecord
from s3mover.workers.sharing import Invitation, Sharing
from s3mover.workers.turns import Turns

T = TypeVar("T")

# At most a third of the threads help with the parts of large objects: small ones keep flowing beside them.
PARTS_SHARE = 3

# How long outcomes gather before they are sent: long enough for dozens of small objects in one message,
# short enough that the last object of a sweep does not wait noticeably.
GATHER_SECONDS = 0.02


class _Task(NamedTuple):
    """An order, and the route that it is of."""

    route: Route
    order: Order


class _Ended(NamedTuple):
    """What became of an order, or orders that were given back."""

    route: Route
    what: Outcome | list[Order]


def serve(brief: Brief, connection: Connection) -> None:
    """Work until the pipe closes; the entry point of a worker process."""
    # A terminal's Ctrl-C and a service manager's TERM reach the whole group; stopping is the supervisor's to order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Worker(brief, connection).listen()


class Worker:
    """The threads of one process around the lanes of orders: one for each route, and one for invitations."""

    def __init__(self, brief: Brief, connection: Connection) -> None:
        self._connection = connection
        self._turns: Turns[_Task | Invitation] = Turns(len(brief.routes) + 1)
        self._invitations = len(brief.routes)
        self._lanes = {name: lane for lane, name in enumerate(brief.routes)}
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._sharing = Sharing(self._invite, brief.threads // PARTS_SHARE)
        self._share = brief.share
        self._records = {name: RouteRecord() for name in brief.routes}
        self._routes: dict[str, Route] = {}
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

    def _obey(self, message: Learn | Hand | Renew | Recall) -> None:
        if isinstance(message, Learn):
            self._learn(*message)
            return
        route, lane = self._routes[message.route], self._lanes[message.route]
        match message:
            case Hand(_, orders):
                route.record.recalled.clear()
                for order in orders:
                    self._turns.put(lane, _Task(route, order))
            case Renew(_, side, credentials):
                route.renew(side, credentials)
            case Recall(_):
                route.record.recalled.set()
                waiting = self._turns.drain(lane)
                self._ended.put(_Ended(route, [task.order for task in waiting if isinstance(task, _Task)]))

    def _learn(self, name: str, brief: RouteBrief) -> None:
        self._routes[name] = Route(name, brief, self._share, self._sharing.run, self._records[name])

    def _invite(self, invitation: Invitation) -> None:
        self._turns.put(self._invitations, invitation)

    def _work(self) -> None:
        while True:
            task = self._turns.take()
            if isinstance(task, Invitation):
                if task.help():
                    self._invite(task)
            else:
                self._ended.put(_Ended(task.route, task.route.move(task.order)))

    def _report(self) -> None:
        while True:
            ended = [self._ended.get()]
            time.sleep(GATHER_SECONDS)
            ended += _drain(self._ended)
            try:
                for report in self._reports(ended):
                    self._connection.send(report)
            except (BrokenPipeError, ConnectionError):
                return

    def _reports(self, ended: list[_Ended]) -> Iterator[Report]:
        for name, record in self._records.items():
            came = [one.what for one in ended if one.route.name == name]
            outcomes = [what for what in came if isinstance(what, Outcome)]
            returned = [order for what in came if not isinstance(what, Outcome) for order in what]
            requests = record.requests.take()
            if came or requests:
                yield Report(name, outcomes, returned, requests)


def _drain(queue: SimpleQueue[T]) -> list[T]:
    items = []
    while True:
        try:
            items.append(queue.get_nowait())
        except Empty:
            return items
