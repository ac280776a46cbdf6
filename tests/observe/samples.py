"""One event of every kind."""

from s3mover.events import (
    AnchorFailed,
    AuditRestored,
    AuditRowsWritten,
    AuditUnavailable,
    ControlUnavailable,
    CostCounted,
    CostLimitReached,
    CredentialsRefreshed,
    DaemonPaused,
    DaemonResumed,
    DaemonStarted,
    DaemonStopped,
    DaemonStopping,
    DaskFailed,
    DaskWarned,
    DeletionsEnded,
    DeletionsRefused,
    Event,
    EventBatchEnded,
    EventBatchStarted,
    EventsFailed,
    EventsReceived,
    KubernetesUnavailable,
    LagMeasured,
    LeaseAcquired,
    LeaseLost,
    LeaseWaiting,
    ListingLimited,
    MachineAssigned,
    MachineJoined,
    MachineLeft,
    MachineLost,
    MachineRegistered,
    MachineStarted,
    MessageUnreadable,
    ObjectDeleted,
    ObjectFailed,
    ObjectFallback,
    ObjectKept,
    ObjectLeftOut,
    ObjectMoved,
    ObjectRecovered,
    ObjectReduced,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    OperatorRequested,
    QueueCounted,
    RangeFinished,
    RangeRetried,
    RangesCounted,
    RangeStarted,
    RequestLimitMoved,
    RequestsMade,
    RouteFailed,
    SchedulerRestored,
    SchedulerUnavailable,
    SealsAnchored,
    SealWritten,
    SettingsInvalid,
    SettingsReloaded,
    SourceDeleted,
    SourceKept,
    SweepAwaited,
    SweepFinished,
    SweepListed,
    SweepProgress,
    SweepStarted,
    TaskFailed,
    ThrottleChanged,
    TransfersPlanned,
    WindowClosed,
    WindowOpened,
    WorkerDied,
    WorkerStarted,
)
from s3mover.model import DeletionCounts, Method, Side, SweepStatus, Tally

PAIR = "s3://ours/in/ -> s3://theirs/out/"
TALLY = Tally(
    listed=10, skipped=4, planned=6, succeeded=5, failed=1, bytes=5_000, server_side_copies=3, streamed=2
)
DELETIONS = DeletionCounts(deleted=1, failed=1, waiting=5, confirmed=2001, kept={"not_recorded": 3})
OLDEST = "2025-01-04T03:17:09.000Z"


def planned(objects: int, size: int = 100, oldest: str = OLDEST) -> TransfersPlanned:
    """Return an event that plans `objects` transfers of `size` bytes each."""
    return TransfersPlanned(objects, objects * size, oldest)


def moved(
    key: str = "in/a.pdf", size: int = 100, method: Method = Method.SERVER_SIDE_COPY, seconds: float = 0.25
) -> ObjectMoved:
    """Return the event of a moved object."""
    return ObjectMoved(7, key, method, size, seconds, 1)


def failed(
    key: str = "in/b.pdf", method: Method | None = Method.STREAMING, message: str = "no"
) -> ObjectFailed:
    """Return the event of an object that could not be moved."""
    return ObjectFailed(7, key, method, 100, 1.5, 8, "AccessDenied", message)


def finished(
    sweep: int = 7,
    status: SweepStatus = SweepStatus.COMPLETED,
    message: str = "",
    outage_seconds: float | None = None,
) -> SweepFinished:
    """Return the event of a finished sweep."""
    return SweepFinished(
        sweep, status, TALLY, 22.61, 1_736_000_000.25, "logs/summary.log", message, outage_seconds
    )


EVERY_KIND: tuple[Event, ...] = (
    DaemonStarted("0.1.0", PAIR, 2, 150),
    LeaseWaiting(PAIR),
    LeaseLost("another instance holds it"),
    SealWritten(
        7, "sweep", 12, 3, "ab" * 32, "cd" * 32, "2025-01-04 03:17:32.000000", late=False, signed=True
    ),
    AnchorFailed(12, 2, "AccessDenied", "the anchor refuses the seal"),
    SealsAnchored(11, 1),
    LeaseAcquired(PAIR),
    EventsReceived("created", 3),
    MessageUnreadable("5fea7756-0ea4-451a-a703-a558b933e274", "not JSON"),
    EventsFailed("source.events.queue: AccessDenied"),
    QueueCounted(3, 2, 0, None, 1.5),
    LagMeasured("event", (0.8, 1.25)),
    EventBatchStarted(8),
    EventBatchEnded(8, SweepStatus.COMPLETED, TALLY, 900.0, "logs/summary.log"),
    WorkerStarted(0, 4711, 75),
    WorkerStarted(1, 4712, 75),
    SweepStarted(7, PAIR),
    ObjectsListed(Side.SOURCE, 10),
    ObjectsListed(Side.DESTINATION, 4),
    ObjectsInPlace("in_place", 4),
    planned(6),
    SweepListed(7, 10, 4, 6),
    moved(),
    failed(),
    ObjectFallback(7, "in/c.pdf", "AccessDenied", "not permitted"),
    ObjectReduced(7, "in/c.pdf", ("tags", "storage_class")),
    ObjectSkipped(7, "in/d.pdf", 100, "NoSuchKey", "gone"),
    ListingLimited(Side.SOURCE, "listed as one range"),
    ObjectLeftOut(7, "in/\\xff", "unusable_key", "not UTF-8"),
    ObjectRecovered(6, "in/e.pdf", "success"),
    SourceDeleted(7, "in/a.pdf"),
    ObjectDeleted(7, "in/f.pdf", 100),
    ObjectKept(7, "in/g.pdf", "AccessDenied", "the destination refused the deletion"),
    DeletionsRefused(7, 2000, "too many"),
    DeletionsEnded(7, DELETIONS),
    SourceKept(7, "in/a.pdf", "AccessDenied"),
    RequestsMade(Side.DESTINATION, "CopyObject", "200", 5),
    ThrottleChanged(Side.SOURCE, 40, 12),
    RequestLimitMoved(Side.SOURCE, 475.0),
    AuditRowsWritten(6),
    AuditUnavailable("connection lost"),
    AuditRestored(2.5),
    CredentialsRefreshed(Side.SOURCE),
    WorkerDied(1, "exit -9", 3),
    SweepProgress(7, TALLY, 10.0),
    finished(),
    SweepAwaited(60.0, 0),
    DaemonPaused(1_736_000_000.0, "ops@bastion", "migration"),
    DaemonResumed(),
    KubernetesUnavailable("the Kubernetes API does not answer"),
    OperatorRequested("sweep", "ops@bastion", "a sweep starts now"),
    WindowClosed(1_736_000_000.0),
    WindowOpened(None),
    SettingsReloaded(("log.level",), ("http.port",)),
    SettingsInvalid("sweep.interval: is not a duration"),
    RouteFailed("no such bucket", 2.0),
    TaskFailed("internal error: OverflowError", 60.0),
    ControlUnavailable("control.socket: cannot be made"),
    CostCounted(7, {"put_requests": 25_000}, {"put_requests": 50_000}, 75_000, 0, ("requests to h:9",), ""),
    CostLimitReached(7, "limits.cost_per_day is reached: $5.00 of $5.00 since 00:00 UTC"),
    MachineStarted("m-1"),
    MachineRegistered("m-1", "tls://scheduler:8786"),
    MachineJoined("m-1", "tls://10.0.0.1:40001", "1.2.3", 2),
    MachineLeft("m-2", "tls://10.0.0.2:40001", 1),
    MachineLost("m-3", "tls://10.0.0.3:40001", 1),
    RangesCounted(7, 3, 2, 5),
    MachineAssigned("m-1", "tls://10.0.0.1:40001", "docs", 7, 3),
    RangeStarted(7, 3, 1),
    RangeRetried(7, 3, 2, "its machine was lost"),
    RangeFinished(7, 3, "completed", TALLY, 12.5, "", "m-1"),
    SchedulerUnavailable("tls://scheduler:8786: connection refused"),
    SchedulerRestored(4.0),
    DaskWarned("distributed.scheduler", "Worker failed to heartbeat"),
    DaskFailed("distributed.core", "lost"),
    DaemonStopping("SIGTERM", 25.0),
    DaemonStopped(3),
)
