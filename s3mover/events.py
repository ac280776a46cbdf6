"""The events, as frozen records: the one list of event names.

An event is announced by calling a `Notify`; logs, metrics and progress listen. The trail is not a listener: it is
called, because a sweep may continue only after the trail has committed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from s3mover.model import DeletionCounts, Method, Side, SweepStatus, Tally


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `name` is the event's name in the log, `level` its log level."""

    name: ClassVar[str]
    level: ClassVar[str] = "info"


Notify = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class DaemonStarted(Event):
    name = "daemon.started"
    version: str
    pair: str
    processes: int
    threads: int


@dataclass(frozen=True, slots=True)
class DaemonStopping(Event):
    name = "daemon.stopping"
    reason: str
    grace: float


@dataclass(frozen=True, slots=True)
class DaemonStopped(Event):
    name = "daemon.stopped"
    sweeps: int


@dataclass(frozen=True, slots=True)
class DaemonPaused(Event):
    """No new work begins until the daemon is resumed; transfers in flight end.

    `paused_at` is in seconds since the epoch.
    """

    name = "daemon.paused"
    paused_at: float
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class DaemonResumed(Event):
    name = "daemon.resumed"


@dataclass(frozen=True, slots=True)
class SettingsReloaded(Event):
    """The settings were reloaded; `changed` apply from now on, `refused` only after a restart."""

    name = "settings.reloaded"
    changed: tuple[str, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsInvalid(Event):
    """The reloaded settings are invalid; the old ones stay in force."""

    name = "settings.invalid"
    level = "error"
    message: str


@dataclass(frozen=True, slots=True)
class ControlUnavailable(Event):
    """The control socket cannot be created; pause and resume do not work until it can, all else does."""

    name = "control.unavailable"
    level = "warning"
    message: str


@dataclass(frozen=True, slots=True)
class WindowClosed(Event):
    """No new work begins; `opens_at` is in seconds since the epoch, None if no window ever opens."""

    name = "window.closed"
    opens_at: float | None


@dataclass(frozen=True, slots=True)
class WindowOpened(Event):
    name = "window.opened"
    closes_at: float | None


@dataclass(frozen=True, slots=True)
class RouteFailed(Event):
    """A route failed; it restarts in so many seconds, and the others go on."""

    name = "route.failed"
    level = "error"
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TaskFailed(Event):
    """Work that all routes share met an internal error; it is tried again in so many seconds, and the routes go on."""

    name = "daemon.task_failed"
    level = "error"
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SweepAwaited(Event):
    """The next sweep begins in so many seconds, unless it is held back or requested earlier."""

    name = "sweep.awaited"
    level = "debug"
    seconds: float
    failed_in_a_row: int


@dataclass(frozen=True, slots=True)
class SweepStarted(Event):
    name = "sweep.started"
    sweep: int
    pair: str


@dataclass(frozen=True, slots=True)
class ObjectsListed(Event):
    """More objects of one side were listed."""

    name = "sweep.page"
    level = "debug"
    side: Side
    objects: int


@dataclass(frozen=True, slots=True)
class ObjectsInPlace(Event):
    """More objects needed no transfer.

    `reason` is `in_place`, `filtered`, `too_young`, `waiting` (for the next attempt after failures), or `unusable_key`.
    """

    name = "sweep.in_place"
    level = "debug"
    reason: str
    objects: int


@dataclass(frozen=True, slots=True)
class TransfersPlanned(Event):
    """More transfers were recorded as pending."""

    name = "sweep.planned"
    level = "debug"
    objects: int
    bytes: int
    oldest: str


@dataclass(frozen=True, slots=True)
class ListingLimited(Event):
    """The store of one side cannot be listed as S3 can, and is listed in a slower way."""

    name = "listing.limited"
    side: Side
    message: str


@dataclass(frozen=True, slots=True)
class SweepListed(Event):
    """Both listings were read to their end; `planned` is final from now on."""

    name = "sweep.listed"
    sweep: int
    listed: int
    skipped: int
    planned: int


@dataclass(frozen=True, slots=True)
class SweepProgress(Event):
    name = "sweep.progress"
    sweep: int
    tally: Tally
    seconds: float


@dataclass(frozen=True, slots=True)
class SweepFinished(Event):
    """A sweep ended; for `outage_seconds` of its `seconds`, if any, it waited for an unavailable database."""

    name = "sweep.finished"
    sweep: int
    status: SweepStatus
    tally: Tally
    seconds: float
    ended_at: float
    summary: str
    message: str = ""
    outage_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ObjectMoved(Event):
    name = "object.moved"
    sweep: int
    key: str
    method: Method
    size: int
    seconds: float
    attempts: int


@dataclass(frozen=True, slots=True)
class ObjectFailed(Event):
    name = "object.failed"
    level = "error"
    sweep: int
    key: str
    method: Method | None
    size: int
    seconds: float
    attempts: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ObjectFallback(Event):
    """A server-side copy was not possible, so the object streamed; `code` is the reason.

    Of a whole route, whose buckets are in two stores, it is announced once: `sweep` is 0 and `key` empty.
    """

    name = "object.fallback"
    level = "warning"
    sweep: int
    key: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ObjectReduced(Event):
    """An object was moved, but the destination could not keep some of its properties (`tags`, `acl`, ...)."""

    name = "object.reduced"
    level = "warning"
    sweep: int
    key: str
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectSkipped(Event):
    name = "object.skipped"
    sweep: int
    key: str
    size: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ObjectLeftOut(Event):
    """An object of the listing that cannot be moved; `code` is the reason, `key` a text for people."""

    name = "object.skipped"
    level = "warning"
    sweep: int
    key: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ObjectRecovered(Event):
    """A row left pending by an earlier run was resolved by looking at the destination."""

    name = "object.recovered"
    sweep: int
    key: str
    status: str


@dataclass(frozen=True, slots=True)
class SourceKept(Event):
    """A source object could not be removed although its copy is recorded; `code` is the reason."""

    name = "source.kept"
    level = "warning"
    sweep: int
    key: str
    code: str


@dataclass(frozen=True, slots=True)
class SourceDeleted(Event):
    """A source object was removed after its copy was verified and recorded."""

    name = "source.deleted"
    sweep: int
    key: str


@dataclass(frozen=True, slots=True)
class ObjectDeleted(Event):
    """An object of the destination was deleted, because it is gone at the source."""

    name = "object.deleted"
    sweep: int
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class ObjectKept(Event):
    """An object of the destination could not be deleted; `code` is the reason."""

    name = "object.kept"
    level = "warning"
    sweep: int
    key: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DeletionsRefused(Event):
    """So many objects were to be deleted at the destination, and none was: `message` says why, and what to do."""

    name = "deletions.refused"
    level = "warning"
    sweep: int
    objects: int
    message: str


@dataclass(frozen=True, slots=True)
class DeletionsEnded(Event):
    """A completed sweep has dealt with all objects that only the destination has."""

    name = "sweep.deletions"
    level = "debug"
    sweep: int
    counts: DeletionCounts


@dataclass(frozen=True, slots=True)
class WorkerStarted(Event):
    name = "worker.started"
    worker: int
    pid: int
    threads: int


@dataclass(frozen=True, slots=True)
class WorkerDied(Event):
    """A worker exited (`exit -9`), or was killed: `silent` (its process hung) or `stuck` (one of its threads hung).

    It is replaced in `pause` seconds.
    """

    name = "worker.died"
    level = "error"
    worker: int
    code: str
    unsettled: int
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class RequestsMade(Event):
    """More S3 requests were answered; `code` is `200` or S3's error code."""

    name = "s3.requests"
    level = "debug"
    side: Side
    operation: str
    code: str
    requests: int


@dataclass(frozen=True, slots=True)
class ThrottleChanged(Event):
    """The request limit of one side changed; `refused` requests were throttled since the last change.

    `limit` is the number of threads allowed, `rate` the requests per second allowed, 0 for no limit.
    """

    name = "throttle.changed"
    side: Side
    limit: int
    refused: int
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class RequestLimitMoved(Event):
    """The limit of one side is now so many requests per second, 0 for no limit.

    Unlike `ThrottleChanged` it is announced at every step, also if no request was throttled.
    """

    name = "throttle.limit"
    level = "debug"
    side: Side
    rate: float


@dataclass(frozen=True, slots=True)
class AuditRowsWritten(Event):
    name = "audit.rows"
    level = "debug"
    rows: int


@dataclass(frozen=True, slots=True)
class AuditUnavailable(Event):
    name = "audit.unavailable"
    level = "error"
    message: str


@dataclass(frozen=True, slots=True)
class AuditRestored(Event):
    name = "audit.restored"
    seconds: float


@dataclass(frozen=True, slots=True)
class LeaseAcquired(Event):
    name = "lease.acquired"
    pair: str


@dataclass(frozen=True, slots=True)
class LeaseLost(Event):
    name = "lease.lost"
    level = "warning"
    message: str


@dataclass(frozen=True, slots=True)
class LeaseWaiting(Event):
    name = "lease.waiting"
    level = "warning"
    pair: str


@dataclass(frozen=True, slots=True)
class CredentialsRefreshed(Event):
    name = "credentials.refreshed"
    side: Side


@dataclass(frozen=True, slots=True)
class SchedulerUnavailable(Event):
    """The Dask scheduler cannot be reached, so no range can be given to a machine."""

    name = "scheduler.unavailable"
    level = "error"
    message: str


@dataclass(frozen=True, slots=True)
class SchedulerRestored(Event):
    """The Dask scheduler is reached again, after so many seconds."""

    name = "scheduler.restored"
    seconds: float


@dataclass(frozen=True, slots=True)
class MachineStarted(Event):
    """This process works for a supervisor elsewhere: it never leads, and has no sweeps of its own."""

    name = "machine.started"
    machine: str


@dataclass(frozen=True, slots=True)
class MachineRegistered(Event):
    """This process is a machine of the cluster now; a machine announces it of itself."""

    name = "machine.registered"
    machine: str
    scheduler: str


@dataclass(frozen=True, slots=True)
class MachineJoined(Event):
    """A machine registered; `machines` counts those that take ranges now."""

    name = "machine.joined"
    machine: str
    address: str
    version: str
    machines: int


@dataclass(frozen=True, slots=True)
class MachineLeft(Event):
    """A machine left after it had ended its work."""

    name = "machine.left"
    machine: str
    address: str
    machines: int


@dataclass(frozen=True, slots=True)
class MachineLost(Event):
    """A machine disappeared: it was killed, cut off, or hung."""

    name = "machine.lost"
    level = "error"
    machine: str
    address: str
    machines: int


@dataclass(frozen=True, slots=True)
class RangeStarted(Event):
    """A range of a sweep was given out; `attempt` counts from 1."""

    name = "range.started"
    sweep: int
    number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class RangeFinished(Event):
    """A range ended; `status` says how (`completed`, `failed`, `interrupted`)."""

    name = "range.finished"
    sweep: int
    number: int
    status: str
    tally: Tally
    seconds: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class RangeRetried(Event):
    """A range is given out again, because its machine was lost, refused it, or could not go on."""

    name = "range.retried"
    level = "warning"
    sweep: int
    number: int
    attempt: int
    message: str


@dataclass(frozen=True, slots=True)
class RangesCounted(Event):
    """The ranges of the running sweep, by status; all are 0 once it has ended."""

    name = "sweep.ranges"
    level = "debug"
    sweep: int
    waiting: int
    running: int
    completed: int


@dataclass(frozen=True, slots=True)
class DaskWarned(Event):
    """A warning of Dask; `logger` is the part of it that wrote it."""

    name = "dask.warning"
    level = "warning"
    logger: str
    message: str


@dataclass(frozen=True, slots=True)
class DaskFailed(Event):
    """An error of Dask; `logger` is the part of it that wrote it."""

    name = "dask.error"
    level = "error"
    logger: str
    message: str


class EventBus:
    """Sends each event to every listener, in the order of their subscription."""

    def __init__(self) -> None:
        self._listeners: list[Notify] = []

    def subscribe(self, listener: Notify) -> None:
        """Send every event to `listener` from now on."""
        self._listeners.append(listener)

    def notify(self, event: Event) -> None:
        """Send `event` to every listener."""
        for listener in self._listeners:
            listener(event)
