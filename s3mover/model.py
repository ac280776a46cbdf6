"""The frozen records that packages pass to each other: object, key, order, outcome, sweep, ...

Only what follows from one record alone is computed here; decisions, input and output are in higher layers. Named
tuples, because hundreds of thousands are made and sent between processes, and they are Python's cheapest frozen record.
"""

import marshal
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, overload

MAX_KEY_LENGTH = 1024  # bytes (Amazon S3 User Guide, "Naming Amazon S3 objects")
_MD5 = re.compile("[0-9a-f]{32}")
_CONTENT_ETAG = re.compile("[0-9a-f]{32}(?:-[0-9]+)?")
# Prefix of the objects that are written or read to find out what is permitted.
PROBE_NAME = ".s3mover-probe-"
# The reason why a sweep skips an object that failed before: it waits for its next attempt.
WAITING = "waiting"
# The reason why it skips an object whose key is not UTF-8, or too long: such a key can be neither sent nor recorded.
UNUSABLE_KEY = "unusable_key"
# The codes of a transfer that was interrupted, and of one that was set aside because workers died with it.
INTERRUPTED = "Interrupted"
WORKER_DIED = "WorkerDied"
# Failures after which the copy may exist all the same: S3 may complete it after its response was lost.
UNCERTAIN = (
    INTERRUPTED,
    WORKER_DIED,
    "ConnectionError",
    "IncompleteBody",
    "InternalError",
    "InvalidResponse",
    "Timeout",
)


class Side(StrEnum):
    """The two ends of a transfer."""

    SOURCE = "source"
    DESTINATION = "destination"


class Action(StrEnum):
    """What an order does at the destination."""

    COPY = "copy"
    DELETE = "delete"


class Method(StrEnum):
    """How the bytes of one object are transferred."""

    SERVER_SIDE_COPY = "server_side_copy"
    STREAMING = "streaming"


# What the column `method` says of a deletion at the destination.
DELETION = "deletion"


class Status(StrEnum):
    """The result of one transfer.

    `SKIPPED` (the object was gone, or changed into one that is already in place, before it could be moved)
    is never recorded: nothing was moved, so its pending row is withdrawn.
    """

    PENDING = "pending"
    SUCCESS = "success"
    ERROR = "error"
    SKIPPED = "skipped"


class SweepStatus(StrEnum):
    """The result of one sweep."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class BatchKind(StrEnum):
    """What a batch of the trail is: a sweep, or the transfers that the source's events led to in some minutes."""

    SWEEP = "sweep"
    EVENTS = "events"


class RangeStatus(StrEnum):
    """The state of a key range of a sweep."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Credentials(NamedTuple):
    """The keys that sign requests. The repr shows no secret.

    `expires_at` is in seconds since the epoch, or None for credentials that do not expire.
    """

    access_key: str
    secret_key: str
    session_token: str = ""
    expires_at: float | None = None

    def __repr__(self) -> str:
        """Return a text with only the last four characters of the access key."""
        return f"Credentials(…{self.access_key[-4:]})"


class BucketAddress(NamedTuple):
    """The address of one bucket.

    An object's URL is `scheme://host:port` + `path` + `/` + the percent-encoded key: `path` is empty for
    virtual-hosted addressing and `/bucket` for path-style addressing.
    """

    bucket: str
    scheme: str
    host: str
    port: int
    path: str
    region: str


class Pair(NamedTuple):
    """The two buckets and prefixes of a sweep and of its lease."""

    source_bucket: str
    source_prefix: str
    destination_bucket: str
    destination_prefix: str

    def destination_key(self, key: str) -> str:
        """Return the destination's key for a key of the source."""
        return self.destination_prefix + key[len(self.source_prefix) :]

    def destination_keys(self, keys: list[str]) -> list[str]:
        """Return the destination's keys for keys of the source."""
        if self.source_prefix == self.destination_prefix:
            return keys
        prefix, start = self.destination_prefix, len(self.source_prefix)
        return [prefix + key[start:] for key in keys]

    def source_key(self, target: str) -> str:
        """Return the source's key for a key of the destination."""
        return self.source_prefix + target[len(self.destination_prefix) :]

    def __str__(self) -> str:
        """Return the pair as people write it: `s3://a/x -> s3://b/y`."""
        source = f"s3://{self.source_bucket}/{self.source_prefix}"
        return f"{source} -> s3://{self.destination_bucket}/{self.destination_prefix}"


class ObjectEntry(NamedTuple):
    """One object of a listing (S3 API: ListObjectsV2, element `Contents`).

    `size` is in bytes; `etag` is without its quotes; `last_modified` is S3's own text
    (`2025-01-04T03:17:09.000Z`), which sorts as time does and is parsed only where a date is needed.
    """

    key: str
    size: int
    etag: str
    last_modified: str
    storage_class: str = ""


@dataclass(frozen=True, slots=True)
class ObjectPage(Sequence[ObjectEntry]):
    """Consecutive objects of a listing, in columns, since most are compared a thousand at a time.

    The columns have equal lengths and hold the fields of `ObjectEntry`. `unusable` holds, as bytes, the keys among
    them that are not UTF-8 or too long: their objects are in no column.
    """

    keys: list[str]
    sizes: list[int]
    etags: list[str]
    times: list[str]
    classes: list[str]
    unusable: tuple[bytes, ...] = ()

    def __reduce__(self) -> "tuple[Callable[[bytes], ObjectPage], tuple[bytes]]":
        """Pickle the columns as one `marshal` text, which takes a third of the time of pickling 5,000 texts."""
        columns = (self.keys, self.sizes, self.etags, self.times, self.classes, self.unusable)
        return _unpacked, (marshal.dumps(columns),)

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[ObjectEntry]:
        return map(ObjectEntry, self.keys, self.sizes, self.etags, self.times, self.classes)

    @overload
    def __getitem__(self, at: int) -> ObjectEntry: ...
    @overload
    def __getitem__(self, at: slice) -> "ObjectPage": ...
    def __getitem__(self, at: int | slice) -> "ObjectEntry | ObjectPage":
        """Return one object, or a slice as a page."""
        columns = (self.keys, self.sizes, self.etags, self.times, self.classes)
        if isinstance(at, slice):
            return ObjectPage(*[column[at] for column in columns])  # type: ignore[arg-type]  # each of its own type
        return ObjectEntry(*[column[at] for column in columns])  # type: ignore[arg-type]


def _unpacked(columns: bytes) -> ObjectPage:
    return ObjectPage(*marshal.loads(columns))  # noqa: S302 - from a process of our own, as all of its messages


def page_of(entries: Sequence[ObjectEntry]) -> ObjectPage:
    """Return the objects as one page."""
    if not entries:
        return ObjectPage([], [], [], [], [])
    return ObjectPage(*map(list, zip(*entries, strict=True)))  # type: ignore[arg-type]  # as in `__getitem__`


class Transfer(NamedTuple):
    """One object that is to be transferred, and the reason (`missing`, `size`, `etag`, `newer`)."""

    entry: ObjectEntry
    reason: str


class Order(NamedTuple):
    """One intended transfer, as it is sent to a worker, or one intended deletion at the destination.

    `etag` is that of the source, for a deletion that of the destination. `sweep` and `number` (counted from 1 within
    the sweep) name its row in the trail. `orphaned_since` is 0, or the time (seconds since the epoch) from which a
    worker that died may have executed it, partly or wholly. `resized` says that the destination has an object of
    another size: perhaps less than what an earlier transfer has written.
    """

    sweep: int
    number: int
    key: str
    target: str
    size: int
    etag: str
    last_modified: str
    storage_class: str
    orphaned_since: float = 0.0
    action: Action = Action.COPY
    resized: bool = False


class Outcome(NamedTuple):
    """The result of one order.

    `moved_at` is in seconds since the epoch. `method` is None if no method was tried. `code` is S3's
    error code (or ours) for an error, `fallback` why streaming replaced a server-side copy, else empty;
    `delete_due` says that the source object is to be deleted once this success is committed; `unkept` names the
    properties that the copy could not keep (`tags`, `storage_class`, ...).
    """

    sweep: int
    number: int
    key: str
    size: int
    status: Status
    method: Method | None
    moved_at: float
    duration_us: int
    attempts: int
    source_etag: str
    destination_etag: str = ""
    code: str = ""
    message: str = ""
    fallback: str = ""
    delete_due: bool = False
    unkept: tuple[str, ...] = ()
    action: Action = Action.COPY


def unmoved(order: Order, code: str, message: str, at: float, attempts: int = 0) -> Outcome:
    """Return the error outcome of an order for which no method was tried."""
    return Outcome(
        sweep=order.sweep,
        number=order.number,
        key=order.key,
        size=order.size,
        status=Status.ERROR,
        method=None,
        moved_at=at,
        duration_us=0,
        attempts=attempts,
        source_etag=order.etag,
        code=code,
        message=message,
        action=order.action,
    )


class Pause(NamedTuple):
    """A pause of a pair of buckets: since when (seconds since the epoch), by whom and why."""

    paused_at: float
    by: str
    reason: str


class RequestKind(StrEnum):
    """What an operator may ask of the instance that leads a pair."""

    SWEEP = "sweep"
    RELOAD = "reload"


class PairRequest(NamedTuple):
    """The latest request of one kind to the leader of a pair; `has_expired` if nobody waits for its answer any more."""

    kind: RequestKind
    number: int
    by: str
    has_expired: bool
    is_answered: bool


class RequestAnswer(NamedTuple):
    """What became of a request: which instance answered, whether it does what was asked, and a sentence."""

    by: str
    is_accepted: bool
    text: str


class LeaderReport(NamedTuple):
    """What the leader of a pair last reported of itself, `age` seconds ago; `text` is JSON, `url` that of its page.

    Its lease `is_alive` until it expires.
    """

    name: str
    url: str
    text: str
    age: float
    is_alive: bool


class Wait(NamedTuple):
    """An object that failed in the latest sweep that tried it, and the time of its next attempt.

    `failures` counts the sweeps in a row in which it failed, `sweep` is the last of them and `etag` what failed then;
    times are in seconds since the epoch.
    """

    key: str
    failures: int
    sweep: int
    etag: str
    failed_at: float
    next_attempt: float


class WaitChanges(NamedTuple):
    """Changes of the waits of `pair` by a batch of outcomes: `waits` are set, those of the keys `ended` are removed."""

    pair: Pair
    waits: Sequence[Wait] = ()
    ended: Sequence[str] = ()


class DueDeletion(NamedTuple):
    """A source object whose copy is verified and recorded, to be deleted if it is still that version."""

    sweep: int
    number: int
    key: str
    etag: str


class Deletion(NamedTuple):
    """The result of a due deletion: `code` is empty if the object is gone, else the reason why it is not."""

    due: DueDeletion
    code: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to do: the object is gone, or is another version now, which a later sweep moves."""
        return self.code in {"", "PreconditionFailed"}


class DeletionCandidate(NamedTuple):
    """An object that only the destination has, by the key that it would have at the source.

    `seen_sweep` is the latest sweep that saw it so, completed or not, and `seen_at` when. Of completed sweeps in a row
    that missed it at the source, `times_missed` is the number, the others are the first and the last of them (sweep 0
    and time 0.0: none yet). Times are in seconds since the epoch. `is_confirmed` says that it was missed often and long
    enough when the last of them judged it, `is_approved` that a person approved its deletion with this ETag.
    """

    key: str
    etag: str
    size: int
    seen_sweep: int
    seen_at: float
    times_missed: int = 0
    first_missed_sweep: int = 0
    first_missed_at: float = 0.0
    last_missed_sweep: int = 0
    last_missed_at: float = 0.0
    is_confirmed: bool = False
    is_approved: bool = False


@dataclass(frozen=True, slots=True)
class DeletionCounts:
    """What became of the objects that only the destination has, in one sweep that carries deletions over, or reports.

    `waiting` are those that no deletion is confirmed for yet, `confirmed` those that are confirmed and still there,
    `kept` counts by reason those that no deletion comes to. `refusal` says why nothing, or only what was approved, was
    deleted; empty where no limit was exceeded. Unless the sweep `propagates`, it deletes nothing, and that is what it
    would do.
    """

    propagates: bool = True
    deleted: int = 0
    failed: int = 0
    waiting: int = 0
    confirmed: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class DeletionRecord:
    """A deletion at the destination as the trail holds it; `pair` is None for a row without a sweep of the trail."""

    sweep: int
    key: str
    status: Status
    etag: str
    size: int
    code: str
    message: str
    at: float
    pair: Pair | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one sweep; `bytes` counts what succeeded."""

    listed: int = 0
    skipped: int = 0
    planned: int = 0
    succeeded: int = 0
    failed: int = 0
    bytes: int = 0
    server_side_copies: int = 0
    streamed: int = 0

    @property
    def waiting(self) -> int:
        """Planned transfers that have not ended yet."""
        return self.listed - self.skipped - self.succeeded - self.failed


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """One sweep, or batch of another kind, as the trail holds it; times are in seconds since the epoch (UTC).

    `cost_micros` is what it cost in micro-dollars, None if that is not known.
    """

    id: int
    pair: Pair
    started_at: float
    ended_at: float | None
    status: SweepStatus
    tally: Tally
    duration_us: int
    summary_file: str = ""
    kind: BatchKind = BatchKind.SWEEP
    cost_micros: int | None = None


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """One failed transfer as the trail holds it.

    `failures_in_a_row` and `next_attempt` (seconds since the epoch) are the current state of the object: 0 and None
    if it has succeeded since. `pair` is None for a row that belongs to no sweep of the trail.
    """

    sweep: int
    key: str
    code: str
    message: str
    attempts: int
    at: float
    failures_in_a_row: int = 0
    next_attempt: float | None = None
    pair: Pair | None = None
    action: Action = Action.COPY


def etag_names_content(etag: str) -> bool:
    """Return whether `etag` has a form that is made from the content, so that equal ones prove equal contents.

    It is an MD5, with `-` and a count for a multipart upload. Some stores list no ETag, or a text of their own.
    """
    return _CONTENT_ETAG.fullmatch(etag) is not None


def key_text(key: bytes) -> str:
    r"""Return an unusable key as a text for people: bytes that are not UTF-8 are written as `\xff`."""
    text = key.decode(errors="backslashreplace")
    return text if len(key) <= MAX_KEY_LENGTH else f"{text[:MAX_KEY_LENGTH]}…"


def has_md5_shape(etag: str) -> bool:
    """Return whether `etag` has the shape of an MD5; the ETag of a multipart upload ends in `-` and a count."""
    return _MD5.fullmatch(etag) is not None
