"""One worker process: its threads take orders, its main thread listens to the pipe, a reporter answers.

It knows no supervisor, no trail and no boto3. When its pipe closes it ends at once: nobody would record what it
still did.
"""

import os
import threading
import time
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import NamedTuple, TypeVar

from s3mover.errors import ExitCode
from s3mover.model import Order, Outcome
from s3mover.workers.messages import (
    AssignOrders,
    ConfigureRoute,
    ExtendLease,
    FromWorker,
    PageRead,
    Quit,
    Rates,
    ReadPage,
    Recall,
    ReleaseRoute,
    RenewCredentials,
    RouteUpdate,
    ToWorker,
    WorkerConfig,
)
from s3mover.workers.process.admission import SMALL, Bounds, Kind, kind_of
from s3mover.workers.process.cpu_yield import CpuYield
from s3mover.workers.process.page_readers import PageReaders
from s3mover.workers.process.part_sharing import PartSharing, SharedJob
from s3mover.workers.process.route import Route
from s3mover.workers.process.task_queue import FairTaskQueue
from s3mover.workers.shared_state import Heartbeats, ThreadCell, WorkerState

T = TypeVar("T")

# Each route has a lane for each kind of orders; the last lane of all is that of invitations.
ORDERS = (Kind.SMALL, Kind.LARGE, Kind.LONG, Kind.HUGE)

# How long outcomes gather before they are sent: long enough for dozens of small objects in one message,
# short enough that the last object of a sweep does not wait noticeably.
GATHER_SECONDS = 0.02
# How often it is told how work goes where nothing ends.
TELL_SECONDS = 0.1
# How often the main thread shows that it lives where nothing comes over the pipe.
BEAT_SECONDS = 1.0


class _Task(NamedTuple):
    """An order, the route that it is of, and the number of that route."""

    route: Route
    number: int
    order: Order


class _Ended(NamedTuple):
    """What became of an order, or orders that were given back; None: a page was read."""

    route: Route
    what: Outcome | list[Order] | None


def serve(connection: Connection, memory: int) -> None:
    """Take the brief, then work until the pipe closes: what a worker process does. `memory` is the slate's file."""
    try:
        config: WorkerConfig = connection.recv()
    except (EOFError, ConnectionError):
        return
    end_with_any_thread()
    Worker(config, WorkerState(config.threads, list(config.routes), memory), connection).listen()


def end_with_any_thread() -> None:
    """End this process, with a trace, where one of its threads ends by a defect of ours.

    It would be missed in silence, and what it had to report be waited for; of a process that ends the crew takes care.
    """

    def end(met: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(met)
        os._exit(ExitCode.DEFECT)

    threading.excepthook = end


class Worker:
    """The threads of one process around the lanes of orders: one for each route, and one for invitations."""

    def __init__(self, config: WorkerConfig, state: WorkerState, connection: Connection) -> None:
        self._connection = connection
        self._slate = state
        self._signs = Heartbeats()
        bounds = Bounds(config.threads)
        self._invitations = len(ORDERS) * len(config.routes)
        self._queue: FairTaskQueue[_Task | SharedJob] = FairTaskQueue(
            [*ORDERS * len(config.routes), Kind.PART], bounds
        )
        self._cpu_yield = CpuYield(self._queue.enough, bounds.bulk_min)
        self._numbers = {name: number for number, name in enumerate(config.routes)}
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._speaking = threading.Lock()
        self._readers = PageReaders(self._tell_page, self._leave_listings)
        # Each is counted by one thread alone.
        self._taken_on = self._given_back = 0
        self._sharing = PartSharing(self._share, self._signs.resting)
        self._routes = {
            name: Route(name, config.share, self._sharing.run, self._signs, self._cpu_yield, self._wake)
            for name in config.routes
        }
        for number in range(config.threads):
            line = state.line(number)
            threading.Thread(target=self._work, args=(line,), name=f"transfer-{number}", daemon=True).start()
        threading.Thread(target=self._report, name="reporter", daemon=True).start()

    def listen(self) -> None:
        """Obey what comes over the pipe until it closes or says to quit."""
        while True:
            self._slate.heartbeat()
            self._queue.poll()
            try:
                message = self._next_message()
            except (EOFError, ConnectionError):
                return
            if isinstance(message, Quit):
                return
            if message is not None:
                self._obey(message)

    def _next_message(self) -> ToWorker | None:
        """Return None where nothing comes before the next beat is due."""
        if not self._connection.poll(BEAT_SECONDS):
            return None
        message: ToWorker = self._connection.recv()
        return message

    def _obey(self, message: AssignOrders | Recall | ReadPage | RouteUpdate) -> None:
        route, number = self._routes[message.route], self._numbers[message.route]
        match message:
            case AssignOrders(_, orders):
                self._take_on(route, number, orders)
            case Recall(_):
                route.recalled.set()
                self._ended.put(_Ended(route, self._given_up(number)))
            case ReadPage():
                self._begin(route, 1)
                self._readers.put(message, route.read)
            case _:
                _instruct(route, message)

    def _given_up(self, number: int) -> list[Order]:
        waiting = [task for kind in ORDERS for task in self._queue.drain(_lane(number, kind))]
        return [task.order for task in waiting if isinstance(task, _Task)]

    def _take_on(self, route: Route, number: int, orders: list[Order]) -> None:
        route.recalled.clear()
        self._begin(route, len(orders))
        for order in orders:
            self._queue.put(_lane(number, kind_of(order.size)), _Task(route, number, order))

    def _begin(self, route: Route, count: int) -> None:
        """Count what is taken on, and let the reporter tell now and then how it goes."""
        idle = self._taken_on == self._given_back
        self._taken_on += count
        if idle:
            self._wake(route)

    def _wake(self, route: Route) -> None:
        """Let the reporter look at once what is to be told."""
        self._ended.put(_Ended(route, []))

    def _share(self, job: SharedJob) -> None:
        self._queue.put(self._invitations, job)

    def _work(self, line: ThreadCell) -> None:
        self._signs.attach(line)
        while True:
            kind, task = self._queue.take()
            if kind is SMALL:
                self._do(task, line)
            else:
                with self._cpu_yield.bulk_work():
                    self._do(task, line)
                self._queue.ended(kind)

    def _do(self, task: _Task | SharedJob, line: ThreadCell) -> None:
        if isinstance(task, SharedJob):
            line.give_sign()
            self._sharing.help(task)
        else:
            line.begin(task.number, task.order.sweep, task.order.number)
            self._ended.put(_Ended(task.route, task.route.move(task.order)))
        line.end()

    def _report(self) -> None:
        while True:
            ended = self._gathered()
            try:
                for route in self._routes.values():
                    self._tell(route, [one.what for one in ended if one.route is route])
            except (BrokenPipeError, ConnectionError):
                return

    def _gathered(self) -> list[_Ended]:
        """Wait for what ends; while there is work, not so long that nobody would know how it goes."""
        try:
            first = self._ended.get(timeout=TELL_SECONDS if self._taken_on > self._given_back else None)
        except Empty:
            return []
        time.sleep(GATHER_SECONDS)
        return [first, *_drain(self._ended)]

    def _tell(self, route: Route, ended: list[Outcome | list[Order] | None]) -> None:
        outcomes = [what for what in ended if isinstance(what, Outcome)]
        returned = [order for what in ended if isinstance(what, list) for order in what]
        self._given_back += len(outcomes) + len(returned) + ended.count(None)
        report = route.report(outcomes, returned)
        if report is not None:
            self._send(report)

    def _tell_page(self, read: PageRead) -> None:
        """Send a page at once, on its reader's thread; the reporter tells what was asked for it."""
        try:
            self._send(read)
        except (BrokenPipeError, ConnectionError):
            # The supervisor has gone: the main thread ends this process.
            return
        self._ended.put(_Ended(self._routes[read.route], None))

    def _leave_listings(self) -> None:
        for route in self._routes.values():
            route.leave_listings()

    def _send(self, message: FromWorker) -> None:
        with self._speaking:
            self._connection.send(message)


def _instruct(route: Route, update: RouteUpdate) -> None:
    match update:
        case ConfigureRoute(_, config):
            route.configure(config)
        case RenewCredentials(_, side, credentials):
            route.renew(side, credentials)
        case Rates(_, valve, rate):
            route.set_rate(valve, rate)
        case ExtendLease(_, until):
            route.trust.extend(until)
        case ReleaseRoute(_):
            route.leave()


def _lane(route: int, kind: Kind) -> int:
    return len(ORDERS) * route + kind


def _drain(queue: SimpleQueue[T]) -> list[T]:
    items = []
    while True:
        try:
            items.append(queue.get_nowait())
        except Empty:
            return items
