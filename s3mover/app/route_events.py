"""The events of a route's source, assembled: receiver, look-ups, and their loop beside the sweeps.

Imported only where `source.events.queue` is set.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty

from s3mover.app.endpoints import Endpoints
from s3mover.app.factories import deletion_policy_of, pair_of
from s3mover.app.listings import rules_of
from s3mover.app.shared_runtime import SharedRuntime
from s3mover.app.side_access import side_access
from s3mover.app.summaries import append_seal, write_summary
from s3mover.model import Side
from s3mover.notifications.messages import ReceiverConfig
from s3mover.notifications.receiver import EventReceiver
from s3mover.settings.model import Settings
from s3mover.sweep.events.inboxes import Inboxes
from s3mover.sweep.events.lookups import Lookups
from s3mover.sweep.events.loop import EventLoop
from s3mover.sweep.events.parts import EventTools, Incoming
from s3mover.sweep.loop import TICK_SECONDS
from s3mover.sweep.removal import Remover
from s3mover.sweep.tools import Inbox, SweepTools
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.shared_client import SharedClient


class RouteEvents:
    """What the events of one route need; `deliver` takes what comes back from the worker pool."""

    def __init__(self, inbox: Inbox) -> None:
        self._incoming = Incoming(inbox)
        self._inboxes = Inboxes(inbox, self._incoming.wake)
        self.deliver = self._inboxes.deliver

    @contextmanager
    def beside(
        self, runtime: SharedRuntime, route: str, endpoints: Endpoints, tools: SweepTools, client: RouteClient
    ) -> Iterator[SweepTools]:
        """Yield the tools of sweeps beside which events are worked off, from the tools of sweeps alone.

        After the block without an error, what the events have in hand is awaited.
        """
        events = self._loop(runtime, route, endpoints, tools, client)
        try:
            with_events = beside_events(tools, client, events)
            yield with_events
            drain(events, with_events)
        finally:
            events.close()

    def _loop(
        self, runtime: SharedRuntime, route: str, endpoints: Endpoints, tools: SweepTools, client: RouteClient
    ) -> EventLoop:
        """Return the loop of the events; it receives nothing before it begins."""
        current = runtime.current
        parts = EventTools(
            tools=replace(tools, remover=self._remover(tools.remover)),
            client=client,
            inboxes=self._inboxes,
            pair=pair_of(current.of(route)),
            sum_up=lambda result: write_summary(current.of(route).summary, result, route),
            add_seal=append_seal,
            rules=lambda: rules_of(current.of(route), endpoints),
            deletion_policy=None
            if tools.deletions is None
            else lambda: deletion_policy_of(current.of(route)),
            batch_seconds=lambda: current.of(route).source.events.batch,
        )
        notify = runtime.publishers.of(route)
        receiver = EventReceiver(lambda: receiver_config(current.of(route)), self._incoming.put, notify)
        lookups = Lookups(endpoints.source, endpoints.destination, endpoints.retry, self._incoming.put)
        return EventLoop(parts, receiver, lookups, self._incoming)

    def _remover(self, of_sweeps: Remover | None) -> Remover | None:
        """Return a remover of its own: its results must come to the loop of the batch that they belong to."""
        return None if of_sweeps is None else of_sweeps.delivering_to(self._inboxes.deliver_removed)


def beside_events(tools: SweepTools, client: RouteClient, events: EventLoop) -> SweepTools:
    """Return the tools of sweeps beside which events are worked off: each heartbeat of their loop goes on with them."""

    def heartbeat() -> None:
        tools.heartbeat()
        events.step()

    return replace(tools, client=SharedClient(client), beside=events, heartbeat=heartbeat)


def drain(events: EventLoop, tools: SweepTools) -> None:
    """Begin nothing new, and wait until what the events have in hand is recorded, or a stop is overdue."""
    events.stop()
    while True:
        tools.heartbeat()
        if events.has_ended or tools.stop.overdue:
            return
        try:
            tools.inbox.get(timeout=TICK_SECONDS)
        except Empty:
            continue


def receiver_config(settings: Settings) -> ReceiverConfig:
    """Return what the receiving process needs to know."""
    events = settings.source.events
    side = Side(events.credentials)
    access = side_access(side, settings.source if side is Side.SOURCE else settings.destination)
    return ReceiverConfig(
        access,
        events.queue,
        events.region,
        events.endpoint_url,
        events.wait,
        events.receivers,
        settings.source.bucket,
        settings.source.prefix,
    )
