"""What a sweep works with, and what comes into its inbox."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Protocol

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.events import Notify
from s3mover.model import Order
from s3mover.planning.backoff import BackoffPolicy
from s3mover.planning.page_diff import PageDiff
from s3mover.planning.read_ahead import FeedEnded
from s3mover.scale.messages import ClusterMessage
from s3mover.sweep.costs import CostTracker
from s3mover.sweep.delete_conditions import DeleteConditions
from s3mover.sweep.lag import LagMeter
from s3mover.sweep.removal import Removed, Remover
from s3mover.sweep.stop_state import StopState
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import PoolMessage

if TYPE_CHECKING:
    from s3mover.planning.deletion_guards import DeletionPolicy
    from s3mover.sweep.recovery import Recovery
    from s3mover.workers.pool.shared_client import SharedClient


class Wake(NamedTuple):
    """To a loop that waits for a message: go round once."""


Message = PageDiff | FeedEnded | PoolMessage | Removed | ClusterMessage | Wake
Inbox = SimpleQueue[Message]


class OpenSweep(NamedTuple):
    """A sweep that stands in the trail as running, or the run of one of its ranges; the next row follows `last_number`.

    `started_at` is in seconds since the epoch.
    """

    id: int
    started_at: float
    last_number: int = 0


@dataclass(frozen=True, slots=True)
class DeletionTools:
    """What a sweep needs for deletions at the destination: how to decide, and which conditions the store honours.

    `conditions` is None where deletions are only reported.
    """

    policy: Callable[[], "DeletionPolicy"]
    conditions: DeleteConditions | None


class Beside(Protocol):
    """What works on objects of the same pair beside the sweep: the events of the source."""

    def begin(self, recovery: "Recovery") -> None:
        """Begin to work, now that what an earlier run left behind was resolved, by `recovery`."""

    def begin_sweeping(self, orders: Sequence[Order], since: float) -> list[Order]:
        """Return the orders that the sweep begun at `since` may hand out, which has them in hand from now on.

        The others are of keys that the events have in hand, or moved since then: these are looked at again.
        """

    def end_sweeping(self, keys: Sequence[str]) -> None:
        """Note that the sweep has these keys no longer in hand."""

    def suspend(self) -> None:
        """Begin no new work until `resume`; what is in hand goes on."""

    def resume(self) -> None:
        """Begin new work again."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in hand."""


@dataclass(frozen=True, slots=True)
class SweepTools:
    """What a sweep works with, the same for every sweep of a run.

    `clock` returns seconds since the epoch; the loop calls `heartbeat` in every iteration; `blocked_by` returns why no
    new work may begin, empty where it may; `costs` counts what is done. `remover` is there where source objects are to
    be deleted, `deletions` where deletions are carried over to the destination, or reported, `beside` where events are
    received. `measure_lag` makes the lag meter of a batch of events, beside which a sweep may run.
    """

    trail: RetryingTrail
    client: "RouteClient | SharedClient"
    inbox: Inbox
    notify: Notify
    stop: StopState
    clock: Callable[[], float]
    heartbeat: Callable[[], None]
    blocked_by: Callable[[], str]
    backoff_policy: Callable[[], BackoffPolicy]
    costs: CostTracker
    remover: Remover | None = None
    deletions: DeletionTools | None = None
    beside: Beside | None = None
    measure_lag: Callable[[], LagMeter] | None = None

    def lag_meter(self) -> LagMeter:
        """Return what measures the lag of the objects of one sweep."""
        return LagMeter(self.notify, self.clock) if self.measure_lag is None else self.measure_lag()
