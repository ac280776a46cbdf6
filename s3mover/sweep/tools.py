"""What a sweep works with, and what comes into its inbox."""

from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.events import Notify
from s3mover.planning.backoff import BackoffPolicy
from s3mover.planning.page_diff import PageDiff
from s3mover.planning.read_ahead import FeedEnded
from s3mover.scale.messages import ClusterMessage
from s3mover.sweep.delete_conditions import DeleteConditions
from s3mover.sweep.removal import Removed, Remover
from s3mover.sweep.stop_state import StopState
from s3mover.workers.pool.route_client import RouteClient
from s3mover.workers.pool.subscriptions import PoolMessage

if TYPE_CHECKING:
    from s3mover.planning.deletion_guards import DeletionPolicy

Message = PageDiff | FeedEnded | PoolMessage | Removed | ClusterMessage
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


@dataclass(frozen=True, slots=True)
class SweepTools:
    """What a sweep works with, the same for every sweep of a run.

    `clock` returns seconds since the epoch; the loop calls `heartbeat` in every iteration; `blocked_by` returns why no
    new work may begin, empty where it may. `remover` is there where source objects are to be deleted, `deletions` where
    deletions are carried over to the destination, or reported.
    """

    trail: RetryingTrail
    client: RouteClient
    inbox: Inbox
    notify: Notify
    stop: StopState
    clock: Callable[[], float]
    heartbeat: Callable[[], None]
    blocked_by: Callable[[], str]
    backoff_policy: Callable[[], BackoffPolicy]
    remover: Remover | None = None
    deletions: DeletionTools | None = None
