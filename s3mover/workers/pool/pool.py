"""The worker pool: connects its parts, and passes each message of a worker to the part that it concerns.

The parts are the thread of the pool (`pool_thread.py`), the worker processes, the orders (`dispatcher.py`), the
configuration of routes (`broadcast.py`), the page requests and the rate limits. No lock and no queue is shared between
processes, so that a killed worker cannot block or corrupt the others.
"""

from collections.abc import Callable, Sequence
from functools import partial

from s3mover.events import Notify, RequestsMade
from s3mover.workers.messages import FromWorker, PageRead, Report, RouteConfig, SetRate, WorkerConfig
from s3mover.workers.pool.broadcast import RouteBroadcast
from s3mover.workers.pool.dispatcher import Dispatcher
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.handle import WorkerHandle
from s3mover.workers.pool.page_requests import PageRequests
from s3mover.workers.pool.pool_thread import PoolThread
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import PoolMessage, Subscription, Subscriptions
from s3mover.workers.pool.watchdog import RestartPolicy
from s3mover.workers.pool.worker_processes import WorkerHooks, WorkerProcesses
from s3mover.workers.ratelimit.coordinator import RateCoordinator
from s3mover.workers.ratelimit.local_traffic import LocalTraffic

RESTART_POLICY = RestartPolicy()


class WorkerPool:
    """Worker processes that `routes` share: `threads` has the number of threads of each.

    A route is configured when its client is opened, before or after `start`.
    """

    def __init__(
        self,
        threads: Sequence[int],
        routes: Sequence[str],
        notify: Notify,
        fork_server: ForkServer,
        restart: RestartPolicy = RESTART_POLICY,
    ) -> None:
        self.processes, self.threads = len(threads), sum(threads)
        configs = [WorkerConfig(count, count / self.threads, tuple(routes)) for count in threads]
        self._subscriptions = Subscriptions(notify)
        self._thread = PoolThread(self._subscriptions.fail)
        hooks = WorkerHooks(partial(self._thread.call, self._receive), self._on_start, self._on_death)
        self._workers = WorkerProcesses(configs, fork_server, restart, notify, hooks)
        self._dispatcher = Dispatcher(routes, configs, self._workers.handles, self._subscriptions)
        self._page_requests = PageRequests(self._workers.handles)
        self._rates = RateCoordinator(
            routes, self.threads, self._wake_rates, self._send_rate, self._subscriptions.announce
        )
        self._broadcast = RouteBroadcast(self._workers.handles, self._rates)

    def local_traffic(self, route: str) -> LocalTraffic:
        """Return what this process's own requests of a route pass, which share its limits with the workers'."""
        return self._rates.local_traffic(route)

    def open_client(
        self, route: str, config: RouteConfig, deliver: Callable[[PoolMessage], None], notify: Notify
    ) -> RouteClient:
        """Return a client of a route, from any thread; it replaces the route's client before.

        `deliver` puts into the inbox of the loop that owns the client, `notify` announces the route's requests and
        limits. Both are called from any thread.
        """
        subscription = Subscription(route, deliver, notify)
        self._thread.call(self._subscriptions.add, subscription)
        client = RouteClient(
            subscription, self._thread, self._dispatcher, self._broadcast, self._page_requests
        )
        client.configure(config)
        return client

    def start(self) -> None:
        """Start all worker processes, unless they were started; return without waiting for them."""
        self._thread.start([self._workers, self._rates])

    def shutdown(self, grace: float) -> None:
        """Stop all workers; kill any still running after `grace` seconds."""
        self._thread.stop(partial(self._workers.stop, grace))

    def _receive(self, worker: int, message: FromWorker | None) -> None:
        handle = self._workers.find(worker)
        if handle is None:
            return
        match message:
            case None:
                self._workers.replace(handle)
            case PageRead():
                self._page_requests.take_answer(worker, message)
            case Report():
                self._record_report(handle, message)

    def _record_report(self, handle: WorkerHandle, report: Report) -> None:
        self._rates.take_report(handle.number, report)
        if report.outcomes:
            self._workers.record_success(handle)
        for (side, operation, code), count in report.requests.items():
            self._subscriptions.announce(report.route, RequestsMade(side, operation, code, count))
        self._dispatcher.record_report(handle, report)

    def _on_start(self, handle: WorkerHandle) -> None:
        self._broadcast.replay(handle)
        self._rates.register(handle.number)
        self._dispatcher.dispatch_all()

    def _on_death(self, handle: WorkerHandle, code: str) -> None:
        self._page_requests.cancel(handle.number)
        self._rates.unregister(handle.number)
        self._dispatcher.requeue(handle, code)

    def _wake_rates(self) -> None:
        self._thread.call(self._rates.poll)

    def _send_rate(self, worker: int, rate: SetRate) -> None:
        handle = self._workers.find(worker)
        if handle is not None:
            handle.send(rate)


def share_threads(threads: int, processes: int) -> list[int]:
    """Divide `threads` over `processes` as evenly as possible; the first ones get one more if it does not divide."""
    each, more = divmod(threads, processes)
    return [each + (1 if number < more else 0) for number in range(processes)]
