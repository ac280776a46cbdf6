"""The running parts of one route: trail, buckets, worker client and sweep cycle, closed in the reverse order.

An engine belongs to the thread that opens it, because the trail's connection, and with it the lease, does.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from queue import Empty
from typing import TYPE_CHECKING

from s3mover.app.bucket_access import require_apart, require_listable
from s3mover.app.credential_refresh import CredentialRefresher
from s3mover.app.endpoints import Endpoints, connect_endpoints
from s3mover.app.factories import (
    backoff_policy_of,
    deletion_policy_of,
    pair_of,
    pair_prices_of,
    route_config,
    two_stores,
)
from s3mover.app.leader_reports import LeaderReports
from s3mover.app.listeners import announcing_once
from s3mover.app.listings import SourceCuts, plan_of
from s3mover.app.shared_runtime import SharedRuntime
from s3mover.app.summaries import append_seal, write_summary
from s3mover.audit.lease import TTL_SECONDS
from s3mover.audit.opening import open_trail
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import Trail
from s3mover.costs.bill import missing_prices
from s3mover.costs.prices import PairPrices
from s3mover.errors import SettingsError
from s3mover.events import Notify, ObjectFallback
from s3mover.lifecycle.pair_requests import PairRequests
from s3mover.lifecycle.start_gate import StartGate
from s3mover.lifecycle.stop import Stop, outage_wait
from s3mover.model import Pair, SweepStatus
from s3mover.settings import Settings
from s3mover.settings.digest import settings_digest
from s3mover.settings.model import AuditSettings
from s3mover.sweep.cost_meter import CostMeter
from s3mover.sweep.costs import PER_COMMAND, PER_DAY, CostLimits, CostTracker, no_price
from s3mover.sweep.cycle import SweepCycle, SweepTarget
from s3mover.sweep.delete_conditions import destination_conditions, require_conditions
from s3mover.sweep.loop import TICK_SECONDS
from s3mover.sweep.removal import Remover
from s3mover.sweep.tools import DeletionTools, Inbox, OpenSweep, SweepTools
from s3mover.transfer.attempt_errors import DIFFERENT_BUCKET
from s3mover.workers.pool.page_requests import worker_page_reader
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import PoolMessage

if TYPE_CHECKING:
    from s3mover.app.route_events import RouteEvents
    from s3mover.sweep.shared_sweep import SharedPlan, SharedSweep

# The reason in the event that says once, for no key, that a route streams because its buckets are in two stores.
DIFFERENT_STORES = "DifferentStores"
# How often a lease that may expire is asked for.
POLL_SECONDS = 0.25

ShareSweep = Callable[[SweepTools, Pair, OpenSweep], "SharedSweep"]


@dataclass(frozen=True, slots=True)
class RouteEngine:
    """The operations of one route: take the lease, run a sweep, idle in between."""

    runtime: SharedRuntime
    route: str
    notify: Notify
    gate: StartGate
    tools: SweepTools
    cycle: SweepCycle
    refresher: CredentialRefresher
    endpoints: Endpoints
    pair_requests: PairRequests
    leader_reports: LeaderReports

    @property
    def settings(self) -> Settings:
        """The settings of the route in force."""
        return self.runtime.current.of(self.route)

    @property
    def stop(self) -> Stop:
        """The request to stop."""
        return self.runtime.stop

    def acquire(self) -> bool:
        """Take the lease on the pair; return False if another instance holds it."""
        self.pair_requests.is_leader = self.tools.trail.acquire_lease(pair_of(self.settings))
        self.pair_requests.poll()
        self.leader_reports.follow(is_leader=self.pair_requests.is_leader)
        if self.pair_requests.is_leader:
            self.runtime.leading.add(self.route)
        return self.pair_requests.is_leader

    def acquire_if_expired(self) -> bool:
        """Take the lease; if its holder gives no sign of life, wait until it has expired."""
        until = time.monotonic() + TTL_SECONDS + 1
        while not self.acquire():
            if self.stop.requested or self.tools.trail.lease_is_renewed or time.monotonic() > until:
                return False
            self.idle(POLL_SECONDS)
        return True

    def sweep(self) -> SweepStatus:
        """Run a sweep; if its credentials were refused, they are resolved again for the next one."""
        with self.pair_requests.sweeping():
            result = self.cycle.run()
        self.refresher.sweep_ended(result.error)
        return result.record.status

    def idle(self, seconds: float) -> None:
        """Wait for `seconds` or until a stop is requested.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop.requested:
            self.tools.heartbeat()
            try:
                message = self.tools.inbox.get(timeout=min(left, TICK_SECONDS))
            except Empty:
                continue
            if isinstance(message, PoolMessage):
                self.tools.client.accept(message)


@contextmanager
def open_route_engine(
    runtime: SharedRuntime,
    route: str,
    run_periodic: Callable[[], None],
    on_trail_opened: Callable[[], None] = lambda: None,
    *,
    moves: bool = False,
) -> Iterator[RouteEngine]:
    """Open everything that the sweeps of a route need, and close it at the end.

    `run_periodic` is called in every turn of the loop: the runtime's own if no other thread calls that.
    `on_trail_opened` is called once the audit database has answered. With a scheduler in the settings the machines of
    the cluster move the objects, this process only if it `moves`.

    Raises:
        UnreachableError: credentials or the database cannot be used.
        S3Error: a bucket cannot be listed.
        SettingsError: source and destination are one bucket, or two stores where a server-side copy is demanded, or a
            limit is set on costs that are not known.
    """
    with ExitStack() as opened:
        trail = opened.enter_context(closing(_open_trail(runtime.current.of(route).audit)))
        opened.callback(runtime.leading.discard, route)
        on_trail_opened()
        meter = CostMeter()
        publish = meter.listening(runtime.publishers.of(route))
        endpoints = _connect(runtime, route, publish)
        inbox: Inbox = Inbox()
        shared = bool(runtime.current.of(route).scale.scheduler) and not moves
        events = None if moves else _events(runtime, route, inbox)
        deliver = inbox.put if events is None else events.deliver
        start = not shared or events is not None
        client = opened.enter_context(
            _opened_client(runtime, route, endpoints, deliver, publish, start=start)
        )
        refresher = CredentialRefresher(runtime.current, route, endpoints, client)
        opened.enter_context(runtime.refreshing(refresher))
        notify = announcing_once(runtime.publishers.of(route), DIFFERENT_BUCKET)
        _announce_two_stores(runtime.current.of(route), endpoints, notify)
        gate = StartGate(
            runtime.stop, partial(runtime.requests.pause_of, route), lambda: runtime.windows(route), notify
        )
        heartbeat = partial(_heartbeat, runtime, route, gate, run_periodic)
        retrying_trail = RetryingTrail(trail, notify, outage_wait(runtime.stop, heartbeat), time.monotonic)
        costs = _cost_tracker(runtime, route, endpoints, meter, retrying_trail, notify)

        def blocked_by() -> str:
            return gate.blocked_by() or costs.blocked_by()

        pair_requests = PairRequests(
            runtime.requests,
            runtime.name,
            route,
            pair_of(runtime.current.of(route)),
            retrying_trail,
            notify,
            blocked_by,
            takes=lambda: runtime.is_daemon and not moves and not runtime.stop.requested,
        )
        leader_reports = LeaderReports(
            runtime.name,
            route,
            pair_of(runtime.current.of(route)),
            retrying_trail,
            runtime.publishers,
            lambda: runtime.current.settings.http.url,
        )
        tools = SweepTools(
            trail=retrying_trail,
            client=client,
            inbox=inbox,
            notify=notify,
            stop=runtime.stop,
            clock=time.time,
            heartbeat=partial(_renew, heartbeat, retrying_trail, pair_requests, leader_reports),
            blocked_by=blocked_by,
            backoff_policy=lambda: backoff_policy_of(runtime.current.of(route)),
            remover=_remover(runtime.current.of(route), endpoints, inbox),
            costs=costs,
            deletions=_deletions(runtime, route, endpoints),
        )
        if events is not None:
            tools = opened.enter_context(events.beside(runtime, route, endpoints, tools, client))
        share = opened.enter_context(_opened_cluster(runtime, route, endpoints, inbox)) if shared else None
        anchor = None
        if runtime.current.of(route).audit.anchor:
            from s3mover.app.anchor import opened_anchoring  # noqa: PLC0415 - only with an anchor

            anchoring = opened_anchoring(runtime.current.of(route), retrying_trail, notify, runtime.stop)
            anchor = opened.enter_context(anchoring)
        cycle = _cycle(runtime, route, endpoints, tools, share, anchor)
        yield RouteEngine(
            runtime, route, notify, gate, tools, cycle, refresher, endpoints, pair_requests, leader_reports
        )


def _events(runtime: SharedRuntime, route: str, inbox: Inbox) -> "RouteEvents | None":
    """Return what receives the events of the source; None where the settings name no queue, and for one sweep."""
    if not (runtime.is_daemon and runtime.current.of(route).source.events.queue):
        return None
    from s3mover.app.route_events import RouteEvents  # noqa: PLC0415 - only where events are received

    return RouteEvents(inbox)


def _open_trail(audit: AuditSettings) -> Trail:
    if not audit.signing_key_file:
        return open_trail(audit.url.value)
    from s3mover.audit.sealing import Sealing  # noqa: PLC0415 - only with a key
    from s3mover.audit.signatures import load_signer  # noqa: PLC0415

    return open_trail(audit.url.value, Sealing(load_signer(audit.signing_key_file)))


def _renew(
    heartbeat: Callable[[], None],
    trail: RetryingTrail,
    pair_requests: PairRequests,
    leader_reports: LeaderReports,
) -> None:
    """Do what is due in every turn of the route's loop, the renewal of its lease among it."""
    heartbeat()
    trail.keep_alive()
    pair_requests.poll()
    if pair_requests.is_leader:
        leader_reports.report()


def _heartbeat(runtime: SharedRuntime, route: str, gate: StartGate, run_periodic: Callable[[], None]) -> None:
    """Do what is due in every turn of the route's loop."""
    runtime.publishers.heartbeat(route)
    gate.poll()
    run_periodic()


def _cost_tracker(
    runtime: SharedRuntime,
    route: str,
    endpoints: Endpoints,
    meter: CostMeter,
    trail: RetryingTrail,
    notify: Notify,
) -> CostTracker:
    """Return what keeps the costs of a route.

    Raises:
        SettingsError: a limit is set, and the prices are not known.
    """

    def prices() -> PairPrices:
        return pair_prices_of(runtime.current.of(route), endpoints, endpoints.prices)

    missing = missing_prices(prices())
    limits = CostLimits(lambda: runtime.current.of(route).limits.cost_per_day, runtime.budget)
    for name, limit in ((PER_DAY, limits.per_day()), (PER_COMMAND, limits.command.limit)):
        if limit and missing:
            raise SettingsError([no_price(name, missing)])
    return CostTracker(pair_of(runtime.current.of(route)), meter, prices, limits, trail, notify)


def _connect(runtime: SharedRuntime, route: str, notify: Notify) -> Endpoints:
    """Resolve both ends, and ensure that their buckets can be listed and are two."""
    settings = runtime.current.of(route)
    endpoints = connect_endpoints(
        settings,
        notify,
        runtime.pool.local_traffic(route),
        runtime.stop.wait,
        runtime.take_config_process(),
        with_prices=True,
    )
    require_listable(settings, endpoints)
    require_apart(settings, endpoints)
    return endpoints


def _announce_two_stores(settings: Settings, endpoints: Endpoints, notify: Notify) -> None:
    """Announce once that all objects are streamed, which the settings leave to the program."""
    if settings.transfer.method == "auto" and (reason := two_stores(endpoints)):
        notify(ObjectFallback(0, "", DIFFERENT_STORES, f"{reason}: all objects are streamed"))


@contextmanager
def _opened_client(
    runtime: SharedRuntime,
    route: str,
    endpoints: Endpoints,
    deliver: Callable[[PoolMessage], None],
    notify: Notify,
    *,
    start: bool,
) -> Iterator[RouteClient]:
    """Start the worker pool if it is needed and not running, and open the route's client of it."""
    if start:
        runtime.pool.start()
    config = route_config(runtime.current.of(route), endpoints)
    client = runtime.pool.open_client(route, config, deliver, notify)
    try:
        yield client
    finally:
        # Orders in flight at a stop: the workers must end before the lease does. Otherwise other routes use them.
        if runtime.stop.requested and client.in_flight():
            runtime.shutdown_pool()
        client.close()


@contextmanager
def _opened_cluster(
    runtime: SharedRuntime, route: str, endpoints: Endpoints, inbox: Inbox
) -> Iterator[ShareSweep]:
    """Connect to the scheduler, and yield what makes a sweep that the machines of the cluster work on."""
    from s3mover.sweep.shared_sweep import SharedSweep  # noqa: PLC0415 - one machine needs none of this

    current, notify = runtime.current, runtime.publishers.of(route)
    with runtime.shared_cluster().joined(current.of(route).scale, inbox.put) as cluster:
        yield lambda tools, pair, opened: SharedSweep(
            tools, pair, cluster, _shared_plan(current.of(route), route, endpoints, notify), opened
        )


def _shared_plan(settings: Settings, route: str, endpoints: Endpoints, notify: Notify) -> "SharedPlan":
    from s3mover.sweep.shared_sweep import SharedPlan  # noqa: PLC0415 - as above

    return SharedPlan(
        route,
        settings_digest(settings),
        SourceCuts(settings, endpoints, notify),
        settings.transfer.requests_per_second,
        settings.transfer.bandwidth,
    )


def _cycle(
    runtime: SharedRuntime,
    route: str,
    endpoints: Endpoints,
    tools: SweepTools,
    share: ShareSweep | None,
    anchor: Callable[[], None] | None,
) -> SweepCycle:
    current, notify = runtime.current, runtime.publishers.of(route)
    page_reader = partial(worker_page_reader, tools.client.read_page)
    target = SweepTarget(
        pair_of(current.of(route)),
        lambda: plan_of(current.of(route), endpoints, notify, page_reader),
        endpoints.source,
        endpoints.destination,
        endpoints.retry,
        share,
    )
    return SweepCycle(
        tools,
        target,
        lambda result: write_summary(current.of(route).summary, result, route),
        append_seal,
        lambda: current.of(route).audit.retention,
        anchor,
    )


def _deletions(runtime: SharedRuntime, route: str, endpoints: Endpoints) -> DeletionTools | None:
    """Return what carries deletions over; None where the settings keep what only the destination has."""
    settings = runtime.current.of(route)
    mode, prefix = settings.deletions.mode, settings.destination.prefix
    if mode == "keep":
        return None
    conditions = None
    if mode == "propagate":
        conditions = destination_conditions(endpoints.destination, prefix, endpoints.retry)
    return DeletionTools(lambda: deletion_policy_of(runtime.current.of(route)), conditions)


def _remover(settings: Settings, endpoints: Endpoints, inbox: Inbox) -> Remover | None:
    if settings.transfer.after != "delete":
        return None
    conditions = require_conditions(endpoints.source, settings.source.prefix, endpoints.retry)
    return Remover(endpoints.source, endpoints.retry, inbox.put, conditions)
