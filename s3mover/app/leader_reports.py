"""The leader of a pair reports its status to the trail, and instances that stand by show it as the leader's."""

import time
from collections.abc import Callable

from s3mover.app.listeners import EventPublishers
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.model import Pair

# How often a change is reported, and how often that nothing has changed.
REPORT_SECONDS = 2.0
UNCHANGED_SECONDS = 10.0


class LeaderReports:
    """The reports of one pair by the instance `name`.

    `url` returns where this instance's page is, `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        name: str,
        route: str,
        pair: Pair,
        trail: RetryingTrail,
        publishers: EventPublishers,
        url: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._route = route
        self._pair = pair
        self._trail = trail
        self._publishers = publishers
        self._url = url
        self._clock = clock
        self._name = name
        self._looked_at = self._reported_at = -UNCHANGED_SECONDS
        self._reported = ""

    def report(self) -> None:
        """Report this instance's status as that of the leader, when that is due; most calls return at once."""
        now = self._clock()
        if now - self._looked_at < REPORT_SECONDS:
            return
        self._looked_at = now
        text = self._publishers.report(self._route)
        if text == self._reported and now - self._reported_at < UNCHANGED_SECONDS:
            return
        if self._trail.try_report(self._name, self._url(), text):
            self._reported, self._reported_at = text, now

    def follow(self, *, is_leader: bool) -> None:
        """Show what the leader last reported, as what another instance does; nothing on the leader itself."""
        leader = None if is_leader else self._trail.try_leader_of(self._pair)
        self._publishers.leader_seen(self._route, leader)
