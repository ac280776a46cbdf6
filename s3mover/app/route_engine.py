"""One route's running parts: trail, buckets, desk and round, opened in order and closed in the reverse order.

An engine belongs to the thread that opens it: the trail's connection does, and the lease with it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from queue import Empty

from s3mover.app.bucket_access import require_listings
from s3mover.app.credential_refresh import CredentialRefresher, is_refusal
from s3mover.app.factories import (
    Endpoints,
    backoff_policy_of,
    connect_endpoints,
    pair_of,
    plan_of,
    route_config,
)
from s3mover.app.shared_runtime import SharedRuntime
from s3mover.app.summaries import sum_up
from s3mover.audit.opening import open_trail
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.events import Notify
from s3mover.lifecycle.control_listener import patience
from s3mover.lifecycle.start_gate import StartGate
from s3mover.lifecycle.stop import Stop
from s3mover.model import SweepStatus
from s3mover.settings import Settings
from s3mover.sweep.cycle import SweepCycle, SweepTarget
from s3mover.sweep.loop import TICK_SECONDS, Inbox, SweepTools
from s3mover.sweep.removal import Remover, require_conditions
from s3mover.workers.pool.page_requests import worker_page_reader
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import PoolMessage


@dataclass(frozen=True, slots=True)
class RouteEngine:
    """What drives one route: take the lease, make rounds, idle in between."""

    runtime: SharedRuntime
    route: str
    notify: Notify
    gate: StartGate
    trail: RetryingTrail
    client: RouteClient
    round: SweepCycle
    inbox: Inbox
    refresher: CredentialRefresher
    run_periodic: Callable[[], None]

    @property
    def settings(self) -> Settings:
        """The route's settings in force."""
        return self.runtime.current.of(self.route)

    @property
    def stop(self) -> Stop:
        """The wish to stop."""
        return self.runtime.stop

    def acquire(self) -> bool:
        """Take the lease on the pair; False where another instance holds it."""
        return self.trail.acquire_lease(pair_of(self.settings))

    def sweep(self) -> SweepStatus:
        """Make a round; where it was refused, the next one has credentials that were looked for anew."""
        result = self.round.run()
        if result.error is not None and is_refusal(result.error):
            self.refresher.resolve_again()
        return result.record.status

    def idle(self, seconds: float) -> None:
        """Wait so long, or until a stop is asked for.

        Raises:
            LeaseHeldError: another instance took the lease meanwhile.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop.requested:
            self.run_periodic()
            self.trail.keep_alive()
            try:
                message = self.inbox.get(timeout=min(left, TICK_SECONDS))
            except Empty:
                continue
            if isinstance(message, PoolMessage):
                self.client.accept(message)


@contextmanager
def open_route_engine(
    runtime: SharedRuntime, route: str, beside: Callable[[], None]
) -> Iterator[RouteEngine]:
    """Open everything that a route's sweeps need; what was opened is closed again, also after an error.

    `beside` is called whenever the loop comes round: it is the house's `run_periodic` where no other thread looks after that.

    Raises:
        UnreachableError: a credential or the database could not be reached, or does not permit the work.
        S3Error: a bucket could not be listed.
    """
    with ExitStack() as opened:
        stop, current, notify = runtime.stop, runtime.current, runtime.publishers.of(route)
        settings = current.of(route)
        trail = open_trail(settings.audit.url.value)
        opened.callback(trail.close)
        sides = connect_endpoints(
            settings, notify, runtime.pool.local_traffic(route), stop.wait, runtime.config_process()
        )
        require_listings(settings, sides)
        inbox: Inbox = Inbox()
        runtime.pool.start()
        client = runtime.pool.open_client(route, route_config(settings, sides), inbox.put, notify)
        opened.callback(_leave, runtime, client)
        reader = partial(worker_page_reader, client.read_page)
        refresher = CredentialRefresher(current, route, sides, client)
        opened.enter_context(runtime.refreshing(refresher))
        gate = StartGate(stop, runtime.requests, lambda: runtime.windows(route), notify)

        def run_periodic() -> None:
            runtime.publishers.heartbeat(route)
            gate.poll()
            beside()

        tools = SweepTools(
            trail=RetryingTrail(trail, notify, patience(stop, run_periodic), time.monotonic),
            client=client,
            inbox=inbox,
            notify=notify,
            stop=stop,
            clock=time.time,
            heartbeat=run_periodic,
            blocked_by=gate.blocked_by,
            backoff_policy=lambda: backoff_policy_of(current.of(route)),
            remover=_remover(settings, sides, inbox),
        )
        cycle = SweepCycle(
            tools,
            SweepTarget(
                pair_of(settings),
                lambda: plan_of(current.of(route), sides, notify, reader),
                sides.source,
                sides.destination,
                sides.retry,
            ),
            lambda result: sum_up(current.of(route).summary, result, route),
            lambda: current.of(route).audit.retention,
        )
        yield RouteEngine(
            runtime, route, notify, gate, tools.trail, client, cycle, inbox, refresher, run_periodic
        )


def _leave(runtime: SharedRuntime, client: RouteClient) -> None:
    """Let the workers go before the lease does, where a stop found orders in their hands; else leave them to others."""
    if runtime.stop.requested and client.in_flight():
        runtime.shutdown_pool()
    client.close()


def _remover(settings: Settings, sides: Endpoints, inbox: Inbox) -> Remover | None:
    if settings.transfer.after != "delete":
        return None
    require_conditions(sides.source, settings.source.prefix, sides.retry)
    return Remover(sides.source, sides.retry, inbox.put)
