"""The events, as frozen records: the one list of event names.

An event is announced by calling a `Notify`; logs, metrics and progress listen. The trail is not a listener: it is
called, because a sweep may continue only after the trail has committed.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

from s3mover.model import DeletionCounts, Method, Side, SweepStatus, Tally
from s3mover.record import Record


class Event(Record):
    """Something that happened. `name` is the event's name in the log, `level` its log level."""

    name: ClassVar[str]
    level: ClassVar[str] = "info"


Notify = Callable[[Event], None]


class DaemonStarted(Event):
    name = "daemon.started"
    version: str
    pair: str
    processes: int
    threads: int


class DaemonStopping(Event):
    name = "daemon.stopping"
    reason: str
    grace: float


class DaemonStopped(Event):
    name = "daemon.stopped"
    sweeps: int


class DaemonPaused(Event):
    """No new work begins until the daemon is resumed; transfers in flight end.

    `paused_at` is in seconds since the epoch.
    """

    name = "daemon.paused"
    paused_at: float
    by: str
    reason: str


class DaemonResumed(Event):
    name = "daemon.resumed"


class OperatorRequested(Event):
    """A sweep or a reload was requested through the audit database; `by` says who, `answer` what becomes of it."""

    name = "operator.requested"
    kind: str
    by: str
    answer: str


class SettingsReloaded(Event):
    """The settings were reloaded; `changed` apply from now on, `refused` only after a restart."""

    name = "settings.reloaded"
    changed: tuple[str, ...]
    refused: tuple[str, ...]


class SettingsInvalid(Event):
    """The reloaded settings are invalid; the old ones stay in force."""

    name = "settings.invalid"
    level = "error"
    message: str


class ControlUnavailable(Event):
    """The control socket cannot be created; pause and resume do not work until it can, all else does."""

    name = "control.unavailable"
    level = "warning"
    message: str


class KubernetesUnavailable(Event):
    """The pod of this instance cannot be labelled as the leader's; it is tried again, and all else works."""

    name = "kubernetes.unavailable"
    level = "warning"
    message: str


class WindowClosed(Event):
    """No new work begins; `opens_at` is in seconds since the epoch, None if no window ever opens."""

    name = "window.closed"
    opens_at: float | None


class WindowOpened(Event):
    name = "window.opened"
    closes_at: float | None


class RouteFailed(Event):
    """A route failed; it restarts in so many seconds, and the others go on."""

    name = "route.failed"
    level = "error"
    message: str
    seconds: float


class TaskFailed(Event):
    """Work that all routes share met an internal error; it is tried again in so many seconds, and the routes go on."""

    name = "daemon.task_failed"
    level = "error"
    message: str
    seconds: float


class SweepAwaited(Event):
    """The next sweep begins in so many seconds, unless it is held back or requested earlier."""

    name = "sweep.awaited"
    level = "debug"
    seconds: float
    failed_in_a_row: int


class SweepStarted(Event):
    name = "sweep.started"
    sweep: int
    pair: str


class ObjectsListed(Event):
    """More objects of one side were listed."""

    name = "sweep.page"
    level = "debug"
    side: Side
    objects: int


class ObjectsInPlace(Event):
    """More objects needed no transfer.

    `reason` is `in_place`, `filtered`, `too_young`, `waiting` (for the next attempt after failures), or `unusable_key`.
    """

    name = "sweep.in_place"
    level = "debug"
    reason: str
    objects: int


class TransfersPlanned(Event):
    """More transfers were recorded as pending."""

    name = "sweep.planned"
    level = "debug"
    objects: int
    bytes: int
    oldest: str


class ListingLimited(Event):
    """The store of one side cannot be listed as S3 can, and is listed in a slower way."""

    name = "listing.limited"
    side: Side
    message: str


class SweepListed(Event):
    """Both listings were read to their end; `planned` is final from now on."""

    name = "sweep.listed"
    sweep: int
    listed: int
    skipped: int
    planned: int


class SweepProgress(Event):
    name = "sweep.progress"
    sweep: int
    tally: Tally
    seconds: float


class SweepFinished(Event):
    """A sweep ended; for `outage_seconds` of its `seconds`, if any, it waited for an unavailable database.

    `cost_usd` is None where no price is known.
    """

    name = "sweep.finished"
    sweep: int
    status: SweepStatus
    tally: Tally
    seconds: float
    ended_at: float
    summary: str
    message: str = ""
    outage_seconds: float | None = None
    cost_usd: float | None = None


class ObjectMoved(Event):
    name = "object.moved"
    sweep: int
    key: str
    method: Method
    size: int
    seconds: float
    attempts: int


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


class ObjectReduced(Event):
    """An object was moved, but the destination could not keep some of its properties (`tags`, `acl`, ...)."""

    name = "object.reduced"
    level = "warning"
    sweep: int
    key: str
    properties: tuple[str, ...]


class ObjectSkipped(Event):
    name = "object.skipped"
    sweep: int
    key: str
    size: int
    code: str
    message: str


class ObjectLeftOut(Event):
    """An object of the listing that cannot be moved; `code` is the reason, `key` a text for people."""

    name = "object.skipped"
    level = "warning"
    sweep: int
    key: str
    code: str
    message: str


class ObjectRecovered(Event):
    """A row left pending by an earlier run was resolved by looking at the destination."""

    name = "object.recovered"
    sweep: int
    key: str
    status: str


class SourceKept(Event):
    """A source object could not be removed although its copy is recorded; `code` is the reason."""

    name = "source.kept"
    level = "warning"
    sweep: int
    key: str
    code: str


class SourceDeleted(Event):
    """A source object was removed after its copy was verified and recorded."""

    name = "source.deleted"
    sweep: int
    key: str


class ObjectDeleted(Event):
    """An object of the destination was deleted, because it is gone at the source."""

    name = "object.deleted"
    sweep: int
    key: str
    size: int


class ObjectKept(Event):
    """An object of the destination could not be deleted; `code` is the reason."""

    name = "object.kept"
    level = "warning"
    sweep: int
    key: str
    code: str
    message: str


class DeletionsRefused(Event):
    """So many objects were to be deleted at the destination, and none was: `message` says why, and what to do."""

    name = "deletions.refused"
    level = "warning"
    sweep: int
    objects: int
    message: str


class DeletionsEnded(Event):
    """A completed sweep has dealt with all objects that only the destination has."""

    name = "sweep.deletions"
    level = "debug"
    sweep: int
    counts: DeletionCounts


class EventsReceived(Event):
    """More events of the source came from the queue.

    `kind` is `created`, `restored`, `removed`, `test`, `foreign` (another bucket or prefix), or `other`.
    """

    name = "events.received"
    level = "debug"
    kind: str
    events: int


class MessageUnreadable(Event):
    """A message of the queue is not an event of S3, and is left to the queue's dead-letter policy."""

    name = "events.unreadable"
    level = "warning"
    id: str
    message: str


class EventsFailed(Event):
    """The queue cannot be received from, or objects of events could not be looked at; it is tried again."""

    name = "events.failed"
    level = "warning"
    message: str


class QueueCounted(Event):
    """The messages of the queue, by what SQS counts approximately; None where that is not permitted.

    `oldest` is the age in seconds of the oldest message that is worked on, 0 without one.
    """

    name = "events.queue"
    level = "debug"
    visible: int | None
    in_flight: int | None
    delayed: int | None
    dead_letter: int | None
    oldest: float


class LagMeasured(Event):
    """Rows of moved objects were committed, so many seconds after each object had changed.

    `via` is `event` or `sweep`.
    """

    name = "object.lag"
    level = "debug"
    via: str
    seconds: tuple[float, ...]


class EventBatchStarted(Event):
    """A batch of transfers that events lead to was opened in the trail."""

    name = "events.batch_started"
    level = "debug"
    batch: int


class EventBatchEnded(Event):
    """A batch of transfers that events led to was closed in the trail."""

    name = "events.batch_ended"
    batch: int
    status: SweepStatus
    tally: Tally
    seconds: float
    summary: str
    message: str = ""


class WorkerStarted(Event):
    name = "worker.started"
    worker: int
    pid: int
    threads: int


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


class RequestsMade(Event):
    """More S3 requests were answered; `code` is `200` or S3's error code."""

    name = "s3.requests"
    level = "debug"
    side: Side
    operation: str
    code: str
    requests: int


class ThrottleChanged(Event):
    """The request limit of one side changed; `refused` requests were throttled since the last change.

    `limit` is the number of threads allowed, `rate` the requests per second allowed, 0 for no limit.
    """

    name = "throttle.changed"
    side: Side
    limit: int
    refused: int
    rate: float = 0.0


class RequestLimitMoved(Event):
    """The limit of one side is now so many requests per second, 0 for no limit.

    Unlike `ThrottleChanged` it is announced at every step, also if no request was throttled.
    """

    name = "throttle.limit"
    level = "debug"
    side: Side
    rate: float


class AuditRowsWritten(Event):
    name = "audit.rows"
    level = "debug"
    rows: int


class AuditUnavailable(Event):
    name = "audit.unavailable"
    level = "error"
    message: str


class AuditRestored(Event):
    name = "audit.restored"
    seconds: float


class LeaseAcquired(Event):
    name = "lease.acquired"
    pair: str


class LeaseLost(Event):
    name = "lease.lost"
    level = "warning"
    message: str


class LeaseWaiting(Event):
    name = "lease.waiting"
    level = "warning"
    pair: str


class CredentialsRefreshed(Event):
    name = "credentials.refreshed"
    side: Side


class SchedulerUnavailable(Event):
    """The Dask scheduler cannot be reached, so no range can be given to a machine."""

    name = "scheduler.unavailable"
    level = "error"
    message: str


class SchedulerRestored(Event):
    """The Dask scheduler is reached again, after so many seconds."""

    name = "scheduler.restored"
    seconds: float


class MachineStarted(Event):
    """This process works for a supervisor elsewhere: it never leads, and has no sweeps of its own."""

    name = "machine.started"
    machine: str


class MachineRegistered(Event):
    """This process is a machine of the cluster now; a machine announces it of itself."""

    name = "machine.registered"
    machine: str
    scheduler: str


class MachineJoined(Event):
    """A machine registered; `machines` counts those that take ranges now."""

    name = "machine.joined"
    machine: str
    address: str
    version: str
    machines: int


class MachineLeft(Event):
    """A machine left after it had ended its work."""

    name = "machine.left"
    machine: str
    address: str
    machines: int


class MachineLost(Event):
    """A machine disappeared: it was killed, cut off, or hung."""

    name = "machine.lost"
    level = "error"
    machine: str
    address: str
    machines: int


class MachineAssigned(Event):
    """A machine has another range now; `sweep` and `number` are 0 if it has none."""

    name = "machine.assigned"
    level = "debug"
    machine: str
    address: str
    route: str
    sweep: int
    number: int


class RangeStarted(Event):
    """A range of a sweep was given out; `attempt` counts from 1."""

    name = "range.started"
    sweep: int
    number: int
    attempt: int


class RangeFinished(Event):
    """A range ended on a machine; `status` says how (`completed`, `failed`, `interrupted`)."""

    name = "range.finished"
    sweep: int
    number: int
    status: str
    tally: Tally
    seconds: float
    message: str = ""
    machine: str = ""


class RangeRetried(Event):
    """A range is given out again, because its machine was lost, refused it, or could not go on."""

    name = "range.retried"
    level = "warning"
    sweep: int
    number: int
    attempt: int
    message: str


class RangesCounted(Event):
    """The ranges of the running sweep, by status; all are 0 once it has ended."""

    name = "sweep.ranges"
    level = "debug"
    sweep: int
    waiting: int
    running: int
    completed: int


class CostCounted(Event):
    """What a route has cost since the last such event, in micro-dollars by kind, and for its batch so far.

    `today` is what all processes have spent for the pair since 00:00 UTC, `limit` what they may, 0 for no limit.
    `unpriced` says what has no price, `blocked_by` which limit is reached.
    """

    name = "cost.counted"
    level = "debug"
    sweep: int
    added: Mapping[str, int]
    amounts: Mapping[str, int]
    today: int
    limit: int
    unpriced: tuple[str, ...]
    blocked_by: str


class CostLimitReached(Event):
    """A limit of costs is reached: no new work begins, what is in flight ends."""

    name = "cost.limit_reached"
    level = "warning"
    sweep: int
    message: str


class DaskWarned(Event):
    """A warning of Dask; `logger` is the part of it that wrote it."""

    name = "dask.warning"
    level = "warning"
    logger: str
    message: str


class DaskFailed(Event):
    """An error of Dask; `logger` is the part of it that wrote it."""

    name = "dask.error"
    level = "error"
    logger: str
    message: str


class SealWritten(Event):
    """The rows of a sweep were sealed, or `rows` of them amended; `late` by another run than the sweep's own.

    `number` counts the seals of the pair, `hash` identifies the seal, `root` its rows (both hex).
    """

    name = "seal.written"
    sweep: int
    kind: str
    number: int
    rows: int
    root: str
    hash: str
    sealed_at: str
    late: bool
    signed: bool


class AnchorFailed(Event):
    """A seal could not be written to the anchor, which is tried again; `waiting` seals are not anchored."""

    name = "anchor.failed"
    level = "error"
    number: int
    waiting: int
    code: str
    message: str


class SealsAnchored(Event):
    """The anchor holds every seal up to `number`, 0 while that is not known; `waiting` seals are not anchored."""

    name = "seals.anchored"
    level = "debug"
    number: int
    waiting: int


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
