"""The crew: worker processes, what they are told, and what happens when one dies. Orders are `dealing.py`'s.

One thread, the foreman, owns all of it. Desks and the workers' listeners only put into its inbox, so that routes on
several threads may share one crew. No lock and no queue is shared between processes, so a killed worker takes
nothing with it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue

from s3mover.errors import MoverError
from s3mover.events import Notify, RequestsMade, WorkerDied, WorkerStarted
from s3mover.model import Credentials, Order, Outcome, Side
from s3mover.s3.records import Page
from s3mover.workers.messages import (
    ConfigureRoute,
    ExtendLease,
    FromWorker,
    PageRead,
    Quit,
    Rates,
    ReadPage,
    ReleaseRoute,
    RenewCredentials,
    Report,
    RouteConfig,
    WorkerConfig,
)
from s3mover.workers.pool.dispatcher import Dispatcher
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.handle import WorkerHandle
from s3mover.workers.pool.page_requests import PageRequest, PageRequests
from s3mover.workers.pool.route_client import Completed, PoolMessage, RouteClient
from s3mover.workers.pool.watchdog import Watchdog, WatchdogTimeouts, pause_after
from s3mover.workers.ratelimit.coordinator import RateCoordinator
from s3mover.workers.ratelimit.local_traffic import LocalTraffic

# Workers of which so many in a row die before they are up cannot work here at all.
MAX_STARTUP_FAILURES = 5
# How often it is looked whether workers live, and whether an empty place is to be filled.
POLL_SECONDS = 1.0
WATCHDOG_TIMEOUTS = WatchdogTimeouts()


@dataclass(slots=True)
class Slot:
    """A place for one worker: who has it, who watches it, and since when it should be filled where nobody has it."""

    config: WorkerConfig
    handle: WorkerHandle | None = None
    watchdog: Watchdog | None = None
    verdict: str = ""
    deaths: int = 0
    due: float = 0.0


class WorkerPool:
    """Worker processes that `routes` share: `threads` has the number of threads of each.

    What a route is about is learnt when its desk is opened, before or after `start`. Where workers die again and again
    before they are up, the desks are told that there is no hope, unless the crew is `enduring`: then it goes on trying.
    """

    def __init__(
        self,
        threads: Sequence[int],
        routes: Sequence[str],
        notify: Notify,
        fork_server: ForkServer,
        *,
        enduring: bool = False,
        timeouts: WatchdogTimeouts = WATCHDOG_TIMEOUTS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._slots = [Slot(WorkerConfig(count, count / sum(threads), tuple(routes))) for count in threads]
        self._notify = notify
        self._nursery = fork_server
        self._enduring = enduring
        self._patience = timeouts
        self._poll_seconds = poll_seconds
        self._poll_at = 0.0
        self._clients: dict[str, RouteClient] = {}
        self._configs: dict[str, RouteConfig] = {}
        self._leases: dict[str, ExtendLease] = {}
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._rates = RateCoordinator(
            routes,
            sum(threads),
            lambda: self._inbox.put(self._rates.poll),
            self._send_rates,
            lambda route, event: self._announce_for(route)(event),
        )
        self._spawned = 0
        self._dispatcher = Dispatcher(routes, lambda: self._handles, self._rivals, self._settle)
        self._page_requests = PageRequests(lambda: self._handles)
        self._startup_failures = 0
        self._shut_down = False
        self._starting = threading.Lock()
        self._pool_thread: threading.Thread | None = None

    @property
    def processes(self) -> int:
        """How many worker processes there should be."""
        return len(self._slots)

    @property
    def threads(self) -> int:
        """How many threads they have together."""
        return sum(slot.config.threads for slot in self._slots)

    def local_traffic(self, route: str) -> LocalTraffic:
        """Return what this process's own requests of a route pass, which share its limits with the workers'."""
        return self._rates.local_traffic(route)

    def open_client(
        self, route: str, config: RouteConfig, deliver: Callable[[PoolMessage], None], notify: Notify
    ) -> RouteClient:
        """Return the desk of a route, from any thread.

        `deliver` puts into the inbox of the loop that owns it, `notify` announces the route's requests and limits;
        both are called from any thread.
        """
        client = RouteClient(route, self, deliver, notify)
        self._inbox.put(partial(self._seat, client))
        self.configure(route, config)
        return client

    def start(self) -> None:
        """Start all worker processes, unless they were started; returns without waiting for them."""
        with self._starting:
            if self._pool_thread is None:
                self._pool_thread = threading.Thread(target=self._lead, name="foreman", daemon=True)
                self._pool_thread.start()

    def configure(self, route: str, config: RouteConfig) -> None:
        """Let every worker, later ones too, know a route by `config`; what is in hand goes on as it began."""
        self._inbox.put(partial(self._broadcast_route, ConfigureRoute(route, config)))

    def renew_lease(self, route: str, until: float) -> None:
        """Let every worker, later ones too, begin requests of a route until then (see `workers/renew_lease.py`)."""
        self._inbox.put(partial(self._broadcast_lease, ExtendLease(route, until)))

    def close_client(self, client: RouteClient) -> None:
        """Tell the desk nothing any more; what nobody has begun of its orders is dropped."""
        self._inbox.put(partial(self._clear, client))

    def share(self, route: str) -> int:
        """Return how many orders a route may have out: those of all members' shares."""
        return sum(self._dispatcher.share_of(slot.config, route) for slot in self._slots)

    def hand_out(self, route: str, orders: list[Order]) -> None:
        """Share the orders among the workers, those with most room first."""
        self._inbox.put(partial(self._dispatcher.take_on, route, orders))

    def recall(self, route: str) -> None:
        """Have the route's desk told what nobody has begun."""
        self._inbox.put(partial(self._dispatcher.recall, route))

    def read(self, asked: ReadPage) -> Page | None:
        """Have a worker read a page of a listing, and wait for it on any thread; None where no worker can.

        Raises:
            MoverError: the page could not be read, or contradicts itself.
        """
        request = PageRequest(asked)
        self._inbox.put(partial(self._page_requests.give, request))
        return request.wait(lambda: self._shut_down)

    def renew(self, route: str, side: Side, credentials: Credentials) -> None:
        """Let every worker, later ones too, sign with `credentials`."""
        self._inbox.put(partial(self._broadcast_credentials, RenewCredentials(route, side, credentials)))

    def shutdown(self, grace: float) -> None:
        """End all workers; who is not gone after `grace` seconds is killed."""
        self._inbox.put(partial(self._part, grace))
        if self._pool_thread is not None:
            self._pool_thread.join()

    def _lead(self) -> None:
        while not self._shut_down:
            try:
                self._poll_workers()
                self._rates.poll()
                self._next_task()()
            except Exception as error:  # noqa: BLE001 - carried to the loops, which raise it
                for client in self._clients.values():
                    client.deliver(PoolMessage(Completed([], []), error))

    def _next_task(self) -> Callable[[], None]:
        due_at = min(self._poll_at, self._rates.due_at)
        try:
            return self._inbox.get(timeout=max(0.0, due_at - time.monotonic()))
        except Empty:
            return self._poll_workers

    def _poll_workers(self) -> None:
        """Look, when it is time, after each place: fill it, or end who has it and does not work any more."""
        now = time.monotonic()
        if now < self._poll_at:
            return
        self._poll_at = now + self._poll_seconds
        self._rates.tell_news()
        for slot in self._slots:
            if slot.handle is None and now >= slot.due:
                self._spawn(slot)
            elif slot.handle is not None and slot.watchdog is not None and not slot.verdict:
                slot.verdict = slot.watchdog.poll(now, slot.handle.state.beats, slot.handle.state.signs())
                if slot.verdict:
                    slot.handle.kill()

    def _hear(self, worker: int, message: FromWorker | None) -> None:
        self._inbox.put(partial(self._take_in, worker, message))

    def _take_in(self, worker: int, message: FromWorker | None) -> None:
        for slot in self._slots:
            if slot.handle is not None and slot.handle.number == worker:
                match message:
                    case None:
                        self._reap(slot, slot.handle)
                    case PageRead():
                        self._page_requests.hear(worker, message)
                    case Report():
                        self._record_report(slot, slot.handle, message)

    @property
    def _handles(self) -> list[WorkerHandle]:
        return [slot.handle for slot in self._slots if slot.handle is not None]

    def _record_report(self, slot: Slot, handle: WorkerHandle, report: Report) -> None:
        self._rates.hear(handle.number, report)
        if report.outcomes:
            slot.deaths = self._startup_failures = 0
        for (side, operation, code), count in report.requests.items():
            self._announce_for(report.route)(RequestsMade(side, operation, code, count))
        self._dispatcher.record_report(handle, report)

    def _send_rates(self, worker: int, rates: Rates) -> None:
        for handle in self._handles:
            if handle.number == worker:
                handle.send(rates)

    def _settle(self, route: str, outcomes: list[Outcome], returned: list[Order]) -> None:
        if (outcomes or returned) and route in self._clients:
            self._clients[route].deliver(PoolMessage(Completed(outcomes, returned)))

    def _rivals(self, route: str) -> int:
        return sum(
            1 for client in list(self._clients.values()) if client.route != route and client.in_flight()
        )

    def _announce_for(self, route: str) -> Notify:
        client = self._clients.get(route)
        return client.notify if client else self._notify

    def _seat(self, client: RouteClient) -> None:
        self._clients[client.route] = client

    def _clear(self, client: RouteClient) -> None:
        """Forget the desk and its orders: what workers still say of them finds nobody."""
        if self._clients.get(client.route) is client:
            self._dispatcher.recall(client.route)
            del self._clients[client.route]
            for handle in self._handles:
                handle.orders[client.route].clear()
                handle.send(ReleaseRoute(client.route))

    def _broadcast_route(self, update: ConfigureRoute) -> None:
        self._configs[update.route] = update.config
        for handle in self._handles:
            handle.send(update)
        self._rates.configure(update.route, update.config.bounds)

    def _broadcast_credentials(self, renewal: RenewCredentials) -> None:
        config = self._configs[renewal.route]
        credentials = {**config.credentials, renewal.side: renewal.credentials}
        self._configs[renewal.route] = replace(config, credentials=credentials)
        for handle in self._handles:
            handle.send(renewal)

    def _broadcast_lease(self, extension: ExtendLease) -> None:
        self._leases[extension.route] = extension
        for handle in self._handles:
            handle.send(extension)

    def _spawn(self, slot: Slot) -> None:
        self._spawned += 1
        handle = slot.handle = WorkerHandle(self._spawned, slot.config, self._nursery, self._hear)
        slot.watchdog, slot.verdict = Watchdog(self._patience, self._poll_seconds, time.monotonic()), ""
        for route, config in self._configs.items():
            handle.send(ConfigureRoute(route, config))
        for extension in self._leases.values():
            handle.send(extension)
        self._rates.register(handle.number)
        self._notify(WorkerStarted(handle.number, handle.pid, slot.config.threads))
        self._dispatcher.register()

    def _reap(self, slot: Slot, handle: WorkerHandle) -> None:
        slot.handle = None
        self._page_requests.forget(handle.number)
        self._rates.forget(handle.number)
        exit_code = handle.end()
        code = slot.verdict or f"exit {exit_code}"
        self._startup_failures = 0 if handle.state.beats else self._startup_failures + 1
        self._plan_replacement(slot)
        unsettled = sum(map(len, handle.orders.values()))
        self._notify(WorkerDied(handle.number, code, unsettled, slot.due - time.monotonic()))
        self._dispatcher.requeue(handle, code)
        if self._startup_failures >= MAX_STARTUP_FAILURES and not self._enduring:
            raise MoverError(f"{self._startup_failures} worker processes ended before they were up")

    def _plan_replacement(self, slot: Slot) -> None:
        slot.deaths += 1
        slot.due = time.monotonic() + pause_after(slot.deaths)
        self._poll_at = min(self._poll_at, slot.due)

    def _part(self, grace: float) -> None:
        self._shut_down = True
        until = time.monotonic() + grace
        for handle in self._handles:
            handle.send(Quit())
        for handle in self._handles:
            handle.wait(max(0.0, until - time.monotonic()))
            handle.end()


def share_threads(threads: int, processes: int) -> list[int]:
    """Divide `threads` over `processes` as evenly as can be; the first ones get one more where it does not divide."""
    each, more = divmod(threads, processes)
    return [each + (1 if number < more else 0) for number in range(processes)]
