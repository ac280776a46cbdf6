"""What the `report` command reads from the trail, restricted to what was asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from s3mover.audit.trail import Total, Trail
from s3mover.model import DeletionRecord, FailureRecord, Pair, SweepRecord

MAX_SWEEPS = 10
UNLIMITED = 2**31
# The route's name stands for its pair.
FAILURE_FIELDS = [column.name for column in fields(FailureRecord) if column.name != "pair"]


@dataclass(frozen=True, slots=True)
class ReportScope:
    """Which rows to report: newer than `since` (seconds since the epoch), of one sweep and one pair if not None.

    `routes` maps pairs to the names of their routes; it is empty if the settings have no routes.
    """

    since: float
    sweep: int | None
    failed_only: bool
    pair: Pair | None = None
    routes: Mapping[Pair, str] = field(default_factory=dict)


class ReportData:
    """Reads what is in scope."""

    def __init__(self, trail: Trail, scope: ReportScope) -> None:
        self._trail = trail
        self._scope = scope

    @property
    def failed_only(self) -> bool:
        """Whether only failures were asked for."""
        return self._scope.failed_only

    def totals(self) -> list[tuple[Pair | None, Total]]:
        """Return the totals by status and method, with routes also by pair."""
        scope = self._scope
        if not scope.routes:
            return [(None, total) for total in self._trail.totals(scope.since, scope.sweep)]
        totals = self._trail.totals_by_pair(scope.since, scope.sweep)
        return [(pair, total) for pair, total in totals if scope.pair in {None, pair}]

    def sweeps(self) -> list[SweepRecord]:
        """Return the latest sweeps."""
        return self._trail.latest_sweeps(MAX_SWEEPS, self._scope.since, self._scope.sweep, self._scope.pair)

    def failures(self, limit: int = UNLIMITED) -> Iterator[FailureRecord]:
        """Yield the latest failures, newest first."""
        return self._trail.failures(limit, self._scope.since, self._scope.sweep, self._scope.pair)

    def deletions(self, limit: int = UNLIMITED) -> Iterator[DeletionRecord]:
        """Yield the latest deletions at the destination, newest first."""
        return self._trail.deletions(limit, self._scope.since, self._scope.sweep, self._scope.pair)

    def route_column(self, pair: Pair | None = None) -> dict[str, str]:
        """Return the additional column with the route of a row, nothing if the settings have no routes."""
        return {"route": self._scope.routes.get(pair, "") if pair else ""} if self._scope.routes else {}


def failure_fields(failure: FailureRecord) -> dict[str, Any]:
    """Return the fields of a failure for JSON and CSV."""
    return {name: getattr(failure, name) for name in FAILURE_FIELDS}
