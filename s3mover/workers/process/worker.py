"""One worker process: its threads carry out orders, its main thread receives messages, and a reporter sends reports.

It knows nothing of the supervisor, the trail and boto3. When its pipe closes it ends at once: nobody would record what
it did after that.
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
    ReadPage,
    Recall,
    ReleaseRoute,
    RenewCredentials,
    RouteUpdate,
    SetRate,
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

# Each route has a lane for each kind of orders; the last lane of all is that of shared jobs.
ORDER_KINDS = (Kind.SMALL, Kind.LARGE, Kind.LONG, Kind.HUGE)

# How long outcomes gather before they are sent: long enough for dozens of small objects in one message,
# short enough that the last object of a sweep does not wait noticeably.
GATHER_SECONDS = 0.02
# How often a report is sent while there is work and nothing ends.
REPORT_SECONDS = 0.1
# How often the main thread counts a heartbeat while no message comes.
HEARTBEAT_SECONDS = 1.0


class _Task(NamedTuple):
    """An order, its route, and the number of that route."""

    route: Route
    number: int
    order: Order


class _Ended(NamedTuple):
    """The outcome of an order, or orders that are returned unbegun; None: a page was read."""

    route: Route
    result: Outcome | list[Order] | None


def worker_main(connection: Connection, memory: int) -> None:
    """Receive the configuration, then work until the pipe closes; `memory` is the file of the shared state."""
    try:
        config: WorkerConfig = connection.recv()
    except (EOFError, ConnectionError):
        return
    end_with_any_thread()
    Worker(config, WorkerState(config.threads, list(config.routes), memory), connection).run()


def end_with_any_thread() -> None:
    """End this process, with a trace, if one of its threads ends by an internal error.

    Otherwise nobody would notice, and the thread's order would be waited for. The pool replaces a process that ends.
    """

    def end(error: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(error)
        os._exit(ExitCode.INTERNAL_ERROR)

    threading.excepthook = end


class Worker:
    """The threads of one process and the queue of their tasks."""

    def __init__(self, config: WorkerConfig, state: WorkerState, connection: Connection) -> None:
        self._connection = connection
        self._state = state
        self._heartbeats = Heartbeats()
        bounds = Bounds(config.threads)
        self._jobs_lane = len(ORDER_KINDS) * len(config.routes)
        self._queue: FairTaskQueue[_Task | SharedJob] = FairTaskQueue(
            [*ORDER_KINDS * len(config.routes), Kind.PART], bounds
        )
        self._cpu_yield = CpuYield(self._queue.no_backlog, bounds.bulk_min)
        self._numbers = {name: number for number, name in enumerate(config.routes)}
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._sending = threading.Lock()
        self._page_readers = PageReaders(self._send_page, self._close_listings)
        # Each is counted by one thread alone: the main thread, and the reporter.
        self._accepted = self._reported = 0
        self._part_sharing = PartSharing(self._share, self._heartbeats.idle)
        self._routes = {
            name: Route(
                name,
                config.share,
                self._part_sharing.run,
                self._heartbeats,
                self._cpu_yield,
                self._wake_reporter,
            )
            for name in config.routes
        }
        for number in range(config.threads):
            cell = state.cell(number)
            threading.Thread(target=self._work, args=(cell,), name=f"transfer-{number}", daemon=True).start()
        threading.Thread(target=self._report, name="reporter", daemon=True).start()

    def run(self) -> None:
        """Process messages until the pipe closes or `Quit` comes."""
        while True:
            self._state.heartbeat()
            self._queue.poll()
            try:
                message = self._next_message()
            except (EOFError, ConnectionError):
                return
            if isinstance(message, Quit):
                return
            if message is not None:
                self._process(message)

    def _next_message(self) -> ToWorker | None:
        """Return None if no message comes before the next heartbeat is due."""
        if not self._connection.poll(HEARTBEAT_SECONDS):
            return None
        message: ToWorker = self._connection.recv()
        return message

    def _process(self, message: AssignOrders | Recall | ReadPage | RouteUpdate) -> None:
        route, number = self._routes[message.route], self._numbers[message.route]
        match message:
            case AssignOrders(_, orders):
                self._enqueue(route, number, orders)
            case Recall(_):
                route.recalled.set()
                self._ended.put(_Ended(route, self._take_unbegun(number)))
            case ReadPage():
                self._accept(route, 1)
                self._page_readers.submit(message, route.read_page)
            case _:
                _update(route, message)

    def _take_unbegun(self, number: int) -> list[Order]:
        waiting = [task for kind in ORDER_KINDS for task in self._queue.drain(_lane(number, kind))]
        return [task.order for task in waiting if isinstance(task, _Task)]

    def _enqueue(self, route: Route, number: int, orders: list[Order]) -> None:
        route.recalled.clear()
        self._accept(route, len(orders))
        for order in orders:
            self._queue.put(_lane(number, kind_of(order.size)), _Task(route, number, order))

    def _accept(self, route: Route, count: int) -> None:
        """Count new work, and let the reporter send periodic reports while there is any."""
        is_idle = self._accepted == self._reported
        self._accepted += count
        if is_idle:
            self._wake_reporter(route)

    def _wake_reporter(self, route: Route) -> None:
        self._ended.put(_Ended(route, []))

    def _share(self, job: SharedJob) -> None:
        self._queue.put(self._jobs_lane, job)

    def _work(self, cell: ThreadCell) -> None:
        self._heartbeats.attach(cell)
        while True:
            kind, task = self._queue.take()
            if kind is SMALL:
                self._do(task, cell)
            else:
                with self._cpu_yield.bulk_work():
                    self._do(task, cell)
                self._queue.task_done(kind)

    def _do(self, task: _Task | SharedJob, cell: ThreadCell) -> None:
        if isinstance(task, SharedJob):
            cell.heartbeat()
            self._part_sharing.help(task)
        else:
            cell.begin(task.number, task.order.sweep, task.order.number)
            self._ended.put(_Ended(task.route, task.route.move(task.order)))
        cell.end()

    def _report(self) -> None:
        while True:
            ended = self._gather()
            try:
                for route in self._routes.values():
                    self._report_route(route, [one.result for one in ended if one.route is route])
            except (BrokenPipeError, ConnectionError):
                return

    def _gather(self) -> list[_Ended]:
        """Wait for results; while there is work, return an empty list when a report is due."""
        try:
            first = self._ended.get(timeout=REPORT_SECONDS if self._accepted > self._reported else None)
        except Empty:
            return []
        time.sleep(GATHER_SECONDS)
        return [first, *_drain(self._ended)]

    def _report_route(self, route: Route, results: list[Outcome | list[Order] | None]) -> None:
        outcomes = [result for result in results if isinstance(result, Outcome)]
        returned = [order for result in results if isinstance(result, list) for order in result]
        self._reported += len(outcomes) + len(returned) + results.count(None)
        report = route.report(outcomes, returned)
        if report is not None:
            self._send(report)

    def _send_page(self, answer: PageRead) -> None:
        """Send a page at once, on its reader's thread; the reporter sends the counts of its requests."""
        try:
            self._send(answer)
        except (BrokenPipeError, ConnectionError):
            # The supervisor has gone: the main thread ends this process.
            return
        self._ended.put(_Ended(self._routes[answer.route], None))

    def _close_listings(self) -> None:
        for route in self._routes.values():
            route.close_listings()

    def _send(self, message: FromWorker) -> None:
        with self._sending:
            self._connection.send(message)


def _update(route: Route, update: RouteUpdate) -> None:
    match update:
        case ConfigureRoute(_, config):
            route.configure(config)
        case RenewCredentials(_, side, credentials):
            route.renew_credentials(side, credentials)
        case SetRate(_, limit, rate):
            route.set_rate(limit, rate)
        case ExtendLease(_, until):
            route.lease.extend(until)
        case ReleaseRoute(_):
            route.release()


def _lane(route: int, kind: Kind) -> int:
    return len(ORDER_KINDS) * route + kind


def _drain(queue: SimpleQueue[T]) -> list[T]:
    items = []
    while True:
        try:
            items.append(queue.get_nowait())
        except Empty:
            return items
