"""The crew: worker processes, who has which orders, and what happens when a worker dies.

One thread, the foreman, owns all of it. Desks and the workers' listeners only put into its inbox, so that routes on
several threads may share one crew. No lock and no queue is shared between processes, so a killed worker takes
nothing with it.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from queue import SimpleQueue

from s3mover.errors import MoverError
from s3mover.events import Notify, RequestsMade, WorkerDied, WorkerStarted
from s3mover.model import Credentials, Order, Outcome, Side, unmoved
from s3mover.workers.desk import Desk, FromCrew, Settled
from s3mover.workers.member import Identity, Member, identity
from s3mover.workers.messages import Brief, Hand, Quit, Recall, Renew, Report, RouteBrief

# Orders that a worker holds per thread: one in hand and some waiting, so that no thread idles while outcomes and
# new orders are on their way.
ORDERS_PER_THREAD = 4
# An order that was in the hands of so many dying workers is set aside: it may be what kills them.
MOST_DEATHS = 3
# Workers that die without ever reporting anything cannot work here at all.
MOST_STILLBORN = 5


class Crew:
    """Worker processes that the routes share: `threads` has the number of threads of each, `routes` what they know.

    A desk for each route is opened by `open_desk` before `start`.
    """

    def __init__(self, threads: Sequence[int], routes: Mapping[str, RouteBrief], notify: Notify) -> None:
        self._briefs = [Brief(count, count / sum(threads), routes) for count in threads]
        self._notify = notify
        self._desks: dict[str, Desk] = {}
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._members: dict[int, Member] = {}
        self._hired = 0
        self._waiting: dict[str, deque[Order]] = {route: deque() for route in routes}
        self._deaths: Counter[Identity] = Counter()
        self._stillborn = 0
        self._renewed: dict[tuple[str, Side], Credentials] = {}
        self._dismissed = False
        self._foreman = threading.Thread(target=self._lead, name="foreman", daemon=True)

    @property
    def processes(self) -> int:
        """How many worker processes there should be."""
        return len(self._briefs)

    @property
    def threads(self) -> int:
        """How many threads they have together."""
        return sum(brief.threads for brief in self._briefs)

    def open_desk(self, route: str, deliver: Callable[[FromCrew], None]) -> Desk:
        """Return the desk of a route; `deliver` puts into the inbox of the loop that owns it, from any thread."""
        desk = self._desks[route] = Desk(route, self, deliver)
        return desk

    def start(self) -> None:
        """Start all worker processes; returns without waiting for them."""
        for brief in self._briefs:
            self._inbox.put(partial(self._hire, brief))
        self._foreman.start()

    def share(self, route: str) -> int:
        """Return how many orders a route may have out: those of all members' shares."""
        return sum(self._share_of(brief, route) for brief in self._briefs)

    def hand_out(self, route: str, orders: list[Order]) -> None:
        """Share the orders among the workers, those with most room first."""
        self._inbox.put(partial(self._take_on, route, orders))

    def recall(self, route: str) -> None:
        """Have the route's desk told what nobody has begun."""
        self._inbox.put(partial(self._call_back, route))

    def renew(self, route: str, side: Side, credentials: Credentials) -> None:
        """Let every worker, later ones too, sign with `credentials`."""
        self._inbox.put(partial(self._spread, Renew(route, side, credentials)))

    def dismiss(self, grace: float) -> None:
        """End all workers; who is not gone after `grace` seconds is killed."""
        self._inbox.put(partial(self._part, grace))
        self._foreman.join()

    def _lead(self) -> None:
        while not self._dismissed:
            task = self._inbox.get()
            try:
                task()
            except Exception as error:  # noqa: BLE001 - carried to the loops, which raise it
                for desk in self._desks.values():
                    desk.deliver(FromCrew(Settled([], []), error))

    def _hear(self, worker: int, report: Report | None) -> None:
        self._inbox.put(partial(self._take_in, worker, report))

    def _take_in(self, worker: int, report: Report | None) -> None:
        member = self._members.get(worker)
        if member is None:
            return
        if report is None:
            self._bury(member)
        else:
            self._book(member, report)

    def _book(self, member: Member, report: Report) -> None:
        member.reported = True
        self._stillborn = 0
        for (side, operation, code), count in report.requests.items():
            self._notify(RequestsMade(side, operation, code, count))
        orders = member.orders[report.route]
        names = [(report.route, outcome.sweep, outcome.number) for outcome in report.outcomes]
        names += [identity(report.route, order) for order in report.returned]
        for name in names:
            orders.pop(name, None)
            self._deaths.pop(name, None)
        self._deal(report.route)
        self._settle(report.route, report.outcomes, report.returned)

    def _settle(self, route: str, outcomes: list[Outcome], returned: list[Order]) -> None:
        if outcomes or returned:
            self._desks[route].deliver(FromCrew(Settled(outcomes, returned)))

    def _take_on(self, route: str, orders: list[Order]) -> None:
        self._waiting[route].extend(orders)
        self._deal(route)

    def _deal(self, route: str) -> None:
        waiting = self._waiting[route]
        share = max(1, -(-len(waiting) // max(1, len(self._members))))
        while waiting:
            room, member = max(
                ((self._room(member, route), member) for member in self._members.values()),
                key=lambda found: found[0],
                default=(0, None),
            )
            if member is None or room <= 0:
                return
            orders = [waiting.popleft() for _ in range(min(share, room, len(waiting)))]
            member.orders[route].update((identity(route, order), order) for order in orders)
            member.send(Hand(route, orders))

    def _room(self, member: Member, route: str) -> int:
        return self._share_of(member.brief, route) - len(member.orders[route])

    def _share_of(self, brief: Brief, route: str) -> int:
        """Divide a worker's window among the routes that have work, counting `route` as one of them.

        Each has room of its own: what one holds never takes another's place.
        """
        others = sum(1 for desk in self._desks.values() if desk.route != route and desk.in_flight())
        return max(1, brief.threads * ORDERS_PER_THREAD // (1 + others))

    def _call_back(self, route: str) -> None:
        for member in self._members.values():
            member.send(Recall(route))
        unassigned = list(self._waiting[route])
        self._waiting[route].clear()
        self._settle(route, [], unassigned)

    def _spread(self, renewal: Renew) -> None:
        self._renewed[renewal.route, renewal.side] = renewal.credentials
        for member in self._members.values():
            member.send(renewal)

    def _hire(self, brief: Brief) -> None:
        self._hired += 1
        member = self._members[self._hired] = Member(self._hired, brief, self._hear)
        for (route, side), credentials in self._renewed.items():
            member.send(Renew(route, side, credentials))
        self._notify(WorkerStarted(member.number, member.pid, brief.threads))

    def _bury(self, member: Member) -> None:
        del self._members[member.number]
        code = f"exit {member.end()}"
        unsettled = sum(map(len, member.orders.values()))
        self._notify(WorkerDied(member.number, code, unsettled))
        self._refuse_endless_dying(member)
        self._hire(member.brief)
        for route, orders in member.orders.items():
            fatal = {name for name in orders if self._died_with(name)}
            self._take_on(route, [order for name, order in orders.items() if name not in fatal])
            self._settle(route, [_set_aside(orders[name], code) for name in fatal], [])

    def _died_with(self, name: Identity) -> bool:
        self._deaths[name] += 1
        return self._deaths[name] >= MOST_DEATHS

    def _refuse_endless_dying(self, member: Member) -> None:
        self._stillborn += 0 if member.reported else 1
        if self._stillborn >= MOST_STILLBORN:
            raise MoverError(f"{self._stillborn} worker processes ended before they did anything")

    def _part(self, grace: float) -> None:
        self._dismissed = True
        until = time.monotonic() + grace
        for member in self._members.values():
            member.send(Quit())
        for member in self._members.values():
            member.wait(max(0.0, until - time.monotonic()))
            member.end()
        self._members.clear()


def share_threads(threads: int, processes: int) -> list[int]:
    """Divide `threads` over `processes` as evenly as can be; the first ones get one more where it does not divide."""
    each, more = divmod(threads, processes)
    return [each + (1 if number < more else 0) for number in range(processes)]


def _set_aside(order: Order, code: str) -> Outcome:
    said = f"{MOST_DEATHS} workers died while they had this object in hand; the last one with {code}"
    return unmoved(order, "WorkerDied", said, time.time(), MOST_DEATHS)
