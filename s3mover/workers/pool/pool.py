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
LOOK_SECONDS = 1.0
WATCHDOG_TIMEOUTS = WatchdogTimeouts()


@dataclass(slots=True)
class Slot:
    """A place for one worker: who has it, who watches it, and since when it should be filled where nobody has it."""

    brief: WorkerConfig
    member: WorkerHandle | None = None
    vigil: Watchdog | None = None
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
        nursery: ForkServer,
        *,
        enduring: bool = False,
        patience: WatchdogTimeouts = WATCHDOG_TIMEOUTS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._places = [Slot(WorkerConfig(count, count / sum(threads), tuple(routes))) for count in threads]
        self._notify = notify
        self._nursery = nursery
        self._enduring = enduring
        self._patience = patience
        self._look_seconds = look_seconds
        self._look_at = 0.0
        self._desks: dict[str, RouteClient] = {}
        self._learnt: dict[str, RouteConfig] = {}
        self._trusted: dict[str, ExtendLease] = {}
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._steward = RateCoordinator(
            routes,
            sum(threads),
            lambda: self._inbox.put(self._steward.look),
            self._send_rates,
            lambda route, event: self._announce_for(route)(event),
        )
        self._hired = 0
        self._dealer = Dispatcher(routes, lambda: self._members, self._rivals, self._settle)
        self._errands = PageRequests(lambda: self._members)
        self._startup_failures = 0
        self._dismissed = False
        self._starting = threading.Lock()
        self._foreman: threading.Thread | None = None

    @property
    def processes(self) -> int:
        """How many worker processes there should be."""
        return len(self._places)

    @property
    def threads(self) -> int:
        """How many threads they have together."""
        return sum(place.brief.threads for place in self._places)

    def local_traffic(self, route: str) -> LocalTraffic:
        """Return what this process's own requests of a route pass, which share its limits with the workers'."""
        return self._steward.local_traffic(route)

    def open_desk(
        self, route: str, brief: RouteConfig, deliver: Callable[[PoolMessage], None], notify: Notify
    ) -> RouteClient:
        """Return the desk of a route, from any thread.

        `deliver` puts into the inbox of the loop that owns it, `notify` announces the route's requests and limits;
        both are called from any thread.
        """
        desk = RouteClient(route, self, deliver, notify)
        self._inbox.put(partial(self._seat, desk))
        self.teach(route, brief)
        return desk

    def start(self) -> None:
        """Start all worker processes, unless they were started; returns without waiting for them."""
        with self._starting:
            if self._foreman is None:
                self._foreman = threading.Thread(target=self._lead, name="foreman", daemon=True)
                self._foreman.start()

    def teach(self, route: str, brief: RouteConfig) -> None:
        """Let every worker, later ones too, know a route by `brief`; what is in hand goes on as it began."""
        self._inbox.put(partial(self._instruct, ConfigureRoute(route, brief)))

    def trust(self, route: str, until: float) -> None:
        """Let every worker, later ones too, begin requests of a route until then (see `workers/trust.py`)."""
        self._inbox.put(partial(self._extend, ExtendLease(route, until)))

    def close_desk(self, desk: RouteClient) -> None:
        """Tell the desk nothing any more; what nobody has begun of its orders is dropped."""
        self._inbox.put(partial(self._clear, desk))

    def share(self, route: str) -> int:
        """Return how many orders a route may have out: those of all members' shares."""
        return sum(self._dealer.share_of(place.brief, route) for place in self._places)

    def hand_out(self, route: str, orders: list[Order]) -> None:
        """Share the orders among the workers, those with most room first."""
        self._inbox.put(partial(self._dealer.take_on, route, orders))

    def recall(self, route: str) -> None:
        """Have the route's desk told what nobody has begun."""
        self._inbox.put(partial(self._dealer.call_back, route))

    def read(self, asked: ReadPage) -> Page | None:
        """Have a worker read a page of a listing, and wait for it on any thread; None where no worker can.

        Raises:
            MoverError: the page could not be read, or contradicts itself.
        """
        errand = PageRequest(asked)
        self._inbox.put(partial(self._errands.give, errand))
        return errand.wait(lambda: self._dismissed)

    def renew(self, route: str, side: Side, credentials: Credentials) -> None:
        """Let every worker, later ones too, sign with `credentials`."""
        self._inbox.put(partial(self._spread, RenewCredentials(route, side, credentials)))

    def dismiss(self, grace: float) -> None:
        """End all workers; who is not gone after `grace` seconds is killed."""
        self._inbox.put(partial(self._part, grace))
        if self._foreman is not None:
            self._foreman.join()

    def _lead(self) -> None:
        while not self._dismissed:
            try:
                self._look_around()
                self._steward.look()
                self._next_task()()
            except Exception as error:  # noqa: BLE001 - carried to the loops, which raise it
                for desk in self._desks.values():
                    desk.deliver(PoolMessage(Completed([], []), error))

    def _next_task(self) -> Callable[[], None]:
        due_at = min(self._look_at, self._steward.due_at)
        try:
            return self._inbox.get(timeout=max(0.0, due_at - time.monotonic()))
        except Empty:
            return self._look_around

    def _look_around(self) -> None:
        """Look, when it is time, after each place: fill it, or end who has it and does not work any more."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + self._look_seconds
        self._steward.tell_news()
        for place in self._places:
            if place.member is None and now >= place.due:
                self._hire(place)
            elif place.member is not None and place.vigil is not None and not place.verdict:
                place.verdict = place.vigil.look(now, place.member.slate.beats, place.member.slate.signs())
                if place.verdict:
                    place.member.kill()

    def _hear(self, worker: int, message: FromWorker | None) -> None:
        self._inbox.put(partial(self._take_in, worker, message))

    def _take_in(self, worker: int, message: FromWorker | None) -> None:
        for place in self._places:
            if place.member is not None and place.member.number == worker:
                match message:
                    case None:
                        self._bury(place, place.member)
                    case PageRead():
                        self._errands.hear(worker, message)
                    case Report():
                        self._book(place, place.member, message)

    @property
    def _members(self) -> list[WorkerHandle]:
        return [place.member for place in self._places if place.member is not None]

    def _book(self, place: Slot, member: WorkerHandle, report: Report) -> None:
        self._steward.hear(member.number, report)
        if report.outcomes:
            place.deaths = self._startup_failures = 0
        for (side, operation, code), count in report.requests.items():
            self._announce_for(report.route)(RequestsMade(side, operation, code, count))
        self._dealer.book(member, report)

    def _send_rates(self, worker: int, rates: Rates) -> None:
        for member in self._members:
            if member.number == worker:
                member.send(rates)

    def _settle(self, route: str, outcomes: list[Outcome], returned: list[Order]) -> None:
        if (outcomes or returned) and route in self._desks:
            self._desks[route].deliver(PoolMessage(Completed(outcomes, returned)))

    def _rivals(self, route: str) -> int:
        return sum(1 for desk in list(self._desks.values()) if desk.route != route and desk.in_flight())

    def _announce_for(self, route: str) -> Notify:
        desk = self._desks.get(route)
        return desk.notify if desk else self._notify

    def _seat(self, desk: RouteClient) -> None:
        self._desks[desk.route] = desk

    def _clear(self, desk: RouteClient) -> None:
        """Forget the desk and its orders: what workers still say of them finds nobody."""
        if self._desks.get(desk.route) is desk:
            self._dealer.call_back(desk.route)
            del self._desks[desk.route]
            for member in self._members:
                member.orders[desk.route].clear()
                member.send(ReleaseRoute(desk.route))

    def _instruct(self, lesson: ConfigureRoute) -> None:
        self._learnt[lesson.route] = lesson.brief
        for member in self._members:
            member.send(lesson)
        self._steward.learn(lesson.route, lesson.brief.bounds)

    def _spread(self, renewal: RenewCredentials) -> None:
        brief = self._learnt[renewal.route]
        credentials = {**brief.credentials, renewal.side: renewal.credentials}
        self._learnt[renewal.route] = replace(brief, credentials=credentials)
        for member in self._members:
            member.send(renewal)

    def _extend(self, extension: ExtendLease) -> None:
        self._trusted[extension.route] = extension
        for member in self._members:
            member.send(extension)

    def _hire(self, place: Slot) -> None:
        self._hired += 1
        member = place.member = WorkerHandle(self._hired, place.brief, self._nursery, self._hear)
        place.vigil, place.verdict = Watchdog(self._patience, self._look_seconds, time.monotonic()), ""
        for route, learnt in self._learnt.items():
            member.send(ConfigureRoute(route, learnt))
        for extension in self._trusted.values():
            member.send(extension)
        self._steward.welcome(member.number)
        self._notify(WorkerStarted(member.number, member.pid, place.brief.threads))
        self._dealer.welcome()

    def _bury(self, place: Slot, member: WorkerHandle) -> None:
        place.member = None
        self._errands.forget(member.number)
        self._steward.forget(member.number)
        exit_code = member.end()
        code = place.verdict or f"exit {exit_code}"
        self._startup_failures = 0 if member.slate.beats else self._startup_failures + 1
        self._plan_replacement(place)
        unsettled = sum(map(len, member.orders.values()))
        self._notify(WorkerDied(member.number, code, unsettled, place.due - time.monotonic()))
        self._dealer.hand_on(member, code)
        if self._startup_failures >= MAX_STARTUP_FAILURES and not self._enduring:
            raise MoverError(f"{self._startup_failures} worker processes ended before they were up")

    def _plan_replacement(self, place: Slot) -> None:
        place.deaths += 1
        place.due = time.monotonic() + pause_after(place.deaths)
        self._look_at = min(self._look_at, place.due)

    def _part(self, grace: float) -> None:
        self._dismissed = True
        until = time.monotonic() + grace
        for member in self._members:
            member.send(Quit())
        for member in self._members:
            member.wait(max(0.0, until - time.monotonic()))
            member.end()


def share_threads(threads: int, processes: int) -> list[int]:
    """Divide `threads` over `processes` as evenly as can be; the first ones get one more where it does not divide."""
    each, more = divmod(threads, processes)
    return [each + (1 if number < more else 0) for number in range(processes)]
