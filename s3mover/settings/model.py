"""The settings themselves: one frozen record per section, each field with its default, unit and reason.

Plain records, because they stay in memory for as long as the program runs. A field's annotation says which values are
valid (`types.py`). Only `definitions.py` reads the annotations, in the process that reads the settings, so no other
process imports pydantic. Constraints between settings are in `constraints.py`; `load.py` reads the values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from s3mover.settings.secret import Secret

if TYPE_CHECKING:
    from pydantic import Field

    from s3mover.settings.types import (
        AccessKey,
        AccountId,
        AnchorUrl,
        Bucket,
        DatabaseUrl,
        Directory,
        Duration,
        EndpointUrl,
        FilePath,
        Globs,
        Host,
        KeyPrefix,
        LabelName,
        Lowered,
        Money,
        QueueName,
        Region,
        RequesterPays,
        RoleArn,
        SchedulerAddress,
        SecretText,
        Share,
        Size,
        SocketPath,
        StorageClass,
        Text,
        Token,
        Windows,
    )

MIB = 2**20
GIB = 2**30


def _field(default: Any, unit: str, description: str) -> Any:
    return field(default=default, metadata={"unit": unit, "description": description})


@dataclass(frozen=True, slots=True)
class Section:
    """The base class of sections, which tells them from values."""


@dataclass(frozen=True, slots=True)
class BucketSettings(Section):
    """One end of the transfer: the bucket, its address and the credentials."""

    bucket: Bucket = _field(
        "",
        "name, or ARN or alias of an access point",
        "The bucket at this end. Required, here or in the environment.",
    )
    prefix: KeyPrefix = _field("", "key prefix", "Only keys with this prefix are included. Empty: all keys.")
    account_id: AccountId = _field(
        "",
        "AWS account number",
        "The account that owns the bucket. If set, every request names it, and S3 denies the request if "
        "another account owns the bucket. Empty: not checked.",
    )
    region: Region = _field(
        "",
        "AWS region",
        "The region of the bucket. Empty: from the AWS default chain, corrected by S3's responses.",
    )
    endpoint_url: EndpointUrl = _field(
        "",
        "http(s) URL without a path",
        "The endpoint of another S3-compatible store. Empty: AWS, by region.",
    )
    addressing: Annotated[Literal["auto", "path", "virtual"], Lowered] = _field(
        "auto",
        "auto, path or virtual",
        "Where requests name the bucket: in the path (path), or in the host's name (virtual). auto: in the "
        "host's name on AWS, in the path on other stores.",
    )
    access_key: AccessKey = _field(
        "",
        "access key id",
        "Set together with secret_key. Empty: the AWS default chain (environment, profile, SSO, web identity, "
        "container, instance), refreshed while the program runs.",
    )
    secret_key: SecretText = _field(
        Secret(""),
        "secret access key",
        "Belongs to access_key. Prefer the environment or a mounted file.",
    )
    session_token: SecretText = _field(
        Secret(""),
        "session token",
        "Belongs to temporary access keys, which expire and cannot be refreshed.",
    )
    profile: Text = _field(
        "", "profile name", "A profile of the AWS configuration files, used instead of an access key."
    )
    role_arn: RoleArn = _field(
        "",
        "ARN of an IAM role",
        "A role to assume with the credentials above, for example one in the other account.",
    )
    external_id: Text = _field("", "text", "The external id, if the role's trust policy requires one.")
    request_payer: Annotated[Literal["", "requester"], RequesterPays] = _field(
        "",
        "requester, or empty",
        "Agrees to pay for requests to a Requester Pays bucket, which denies other requests.",
    )


@dataclass(frozen=True, slots=True)
class EventSettings(Section):
    """The source's event notifications, from an SQS queue: changes are moved within seconds. See docs/events.md."""

    queue: QueueName = _field(
        "",
        "URL or ARN of an SQS queue",
        "The queue that the source bucket notifies, directly, through SNS or through EventBridge. Empty: changes are "
        "found by sweeps alone.",
    )
    region: Region = _field(
        "", "AWS region", "The region of the queue. Empty: as its name says, else the source's region."
    )
    endpoint_url: EndpointUrl = _field(
        "",
        "http(s) URL without a path",
        "The endpoint of another SQS-compatible service. Empty: AWS, or where the queue's URL points to.",
    )
    credentials: Annotated[Literal["source", "destination"], Lowered] = _field(
        "source", "source or destination", "The side whose credentials receive from the queue."
    )
    wait: Annotated[Duration, Field(ge=0, le=20)] = _field(
        20.0,
        "duration, up to 20s",
        "How long one request waits for messages. An idle queue costs one request per receiver in that time.",
    )
    receivers: Annotated[int, Field(ge=1, le=10)] = _field(
        2, "requests, 1 to 10", "How many requests wait for messages at a time."
    )
    batch: Annotated[Duration, Field(ge=1)] = _field(
        900.0,
        "duration, at least 1s",
        "For so long transfers that events lead to belong to one batch of the trail, with one summary file.",
    )


@dataclass(frozen=True, slots=True)
class SourceSettings(BucketSettings):
    """The bucket to read."""

    events: EventSettings = EventSettings()


@dataclass(frozen=True, slots=True)
class DestinationSettings(BucketSettings):
    """The bucket to write."""

    prefix: KeyPrefix = _field(
        "",
        "key prefix",
        "Replaces the source's prefix in each key. Not set: the source's prefix, so keys stay the same. Two "
        'quotation marks ("") mean no prefix, here and in the environment.',
    )
    storage_class: StorageClass = _field(
        "",
        "storage class",
        "The storage class of the copies, such as STANDARD_IA. Empty: the same as at the source.",
    )
    acl: Literal[
        "",
        "private",
        "public-read",
        "public-read-write",
        "aws-exec-read",
        "authenticated-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
    ] = _field(
        "",
        "canned ACL",
        "Sent with each object. If the bucket does not enforce bucket owner ownership, "
        "bucket-owner-full-control gives the other account full control of what it receives. Empty: no ACL is "
        "sent.",
    )
    encryption: Literal["", "AES256", "aws:kms", "aws:kms:dsse"] = _field(
        "",
        "AES256, aws:kms or aws:kms:dsse",
        "The server-side encryption that is requested for each copy, as some bucket policies demand. Empty: aws:kms "
        "if kms_key_id is set, else nothing is requested and the bucket's default applies.",
    )
    kms_key_id: Token = _field(
        "",
        "KMS key id, alias or ARN",
        "The key that encrypts the copies. Empty: the bucket's default encryption; with aws:kms the key aws/s3, "
        "which AWS manages.",
    )


@dataclass(frozen=True, slots=True)
class RestoreSettings(Section):
    """Handling of archived objects, which cannot be read before they are restored."""

    tier: Annotated[Literal["", "standard", "bulk", "expedited"], Lowered] = _field(
        "",
        "standard, bulk or expedited, or empty",
        "Asks S3 to restore archived objects that a sweep finds, at this tier; a later sweep moves them. "
        "Restoring costs money and takes hours. Empty: archived objects are skipped.",
    )
    days: Annotated[int, Field(ge=1, le=30)] = _field(
        3, "days, 1 to 30", "How long a restored object stays readable; a sweep must run within this time."
    )


@dataclass(frozen=True, slots=True)
class TransferSettings(Section):
    """How objects are transferred, and how fast."""

    method: Annotated[Literal["auto", "server_side_copy", "streaming"], Lowered] = _field(
        "auto",
        "auto, server_side_copy or streaming",
        "auto copies within S3, and streams through this machine only if a copy is not permitted.",
    )
    threads: Annotated[int, Field(ge=1, le=1000)] = _field(
        150,
        "transfers in flight, 1 to 1000",
        "In all workers together. A transfer mostly waits for S3, so many fit on one core.",
    )
    processes: Annotated[int, Field(ge=0, le=64)] = _field(
        0, "worker processes, 0 to 64", "The threads are divided among them. 0: one per core."
    )
    large_objects: Annotated[Literal["transfer", "report"], Lowered] = _field(
        "transfer",
        "transfer or report",
        "Objects over 5 GiB, which S3 does not copy in one request: transfer moves them in parts; report "
        "records an error with the command to run by hand.",
    )
    part_size: Annotated[Size, Field(ge=5 * MIB, le=5 * GIB)] = _field(
        64 * MIB,
        "size, 5MiB to 5GiB",
        "The size of the parts of large objects. It is increased if an object would need more than 10,000 "
        "parts.",
    )
    after: Annotated[Literal["keep", "delete"], Lowered] = _field(
        "keep",
        "keep or delete",
        "What happens to the source object once its copy is verified and recorded. delete makes it a move; in "
        "a versioned bucket it adds a delete marker, and all versions remain, and cost, until a lifecycle "
        "rule removes them.",
    )
    thorough: Annotated[Literal["auto", "always", "never"], Lowered] = _field(
        "auto",
        "auto, always or never",
        "Whether to send a HEAD request before each server-side copy, so that website redirects and Object "
        "Lock settings, which S3 does not copy, are kept. It costs one more request per object. auto does so "
        "only if the source bucket has Object Lock, if either bucket is a website, or if this cannot be "
        "determined.",
    )
    restore: RestoreSettings = RestoreSettings()
    max_attempts: Annotated[int, Field(ge=1, le=100)] = _field(
        8, "attempts, 1 to 100", "Per object and sweep; only temporary errors are retried."
    )
    timeout: Annotated[Duration, Field(ge=1)] = _field(
        60.0,
        "duration, at least 1s",
        "The longest silence of a store during one request. A copy may take ten minutes: stores copy gigabytes in "
        "silence.",
    )
    annotations: Annotated[Literal["exclude", "copy"], Lowered] = _field(
        "exclude",
        "exclude or copy",
        "Whether server-side copies of up to 5 GiB copy object annotations, a feature of S3; that needs the rights "
        "s3:GetObjectAnnotation and s3:PutObjectAnnotation. Streaming and copies in parts never copy them.",
    )
    requests_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _field(
        0,
        "requests per second",
        "Limit of all requests together, for stores or budgets that need one. 0: no limit except S3's own "
        "throttling.",
    )
    bandwidth: Annotated[Size, Field(ge=0)] = _field(
        0, "size per second", "Limit of the bytes that stream through this machine. 0: no limit."
    )


@dataclass(frozen=True, slots=True)
class FilterSettings(Section):
    """Which objects are included."""

    include: Globs = _field(
        (),
        "globs",
        "Only keys that match one of these, compared below the prefix; * also matches /. Empty: all keys.",
    )
    exclude: Globs = _field(
        (), "globs", "Keys that match one of these are left out, even if include matches them."
    )
    min_age: Duration = _field(
        0.0,
        "duration",
        "Younger objects wait for a later sweep, in case a writer replaces an object shortly after creating "
        "it.",
    )


@dataclass(frozen=True, slots=True)
class SweepSettings(Section):
    """When sweeps run."""

    interval: Duration = _field(
        60.0,
        "duration",
        "From the end of one sweep to the start of the next. Each sweep lists both buckets.",
    )
    ranges: Annotated[int, Field(ge=1, le=64)] = _field(
        8,
        "ranges, 1 to 64",
        "Number of key ranges of a large bucket that are listed at the same time. 1: one after the other, for "
        "stores that cannot start a listing after a given key.",
    )
    retry_wait: Duration = _field(
        60.0,
        "duration",
        "An object that failed is retried by the next sweep. After its second failure in a row it first waits "
        "this long, and twice as long after each further failure; `s3mover retry` ends the wait. 0: no wait.",
    )
    retry_wait_longest: Duration = _field(
        3600.0,
        "duration",
        "Upper limit of that wait, and so the longest delay after the cause of the failures is fixed.",
    )

    windows: Windows = _field(
        (),
        "windows of the week",
        "New work starts only within these hours: outside them no sweep starts, and a running sweep ends as "
        "interrupted. Each window has days (mon-fri, or [sat, sun]; default: every day), hours (may cross "
        "midnight; default: all day) and time_zone (Europe/Berlin; default: UTC). Empty: always.",
    )


@dataclass(frozen=True, slots=True)
class DeletionSettings(Section):
    """Whether objects that were deleted at the source are deleted at the destination, and within which limits."""

    mode: Annotated[Literal["keep", "report", "propagate"], Lowered] = _field(
        "keep",
        "keep, report or propagate",
        "What happens to objects that only the destination has: keep leaves them unseen; report lists and counts those "
        "that propagate would delete; propagate deletes them. docs/deletions.md describes every guard.",
    )
    scope: Annotated[Literal["recorded", "all"], Lowered] = _field(
        "recorded",
        "recorded or all",
        "recorded: only objects that s3mover put there, which a row of success of this pair says, and that still have "
        "the ETag that it wrote. all: whatever lies below the destination's prefix.",
    )
    confirm: Annotated[int, Field(ge=1, le=1000)] = _field(
        2,
        "sweeps, 1 to 1000",
        "So many completed sweeps in a row must miss an object at the source before its copy is deleted.",
    )
    min_age: Duration = _field(
        3600.0, "duration", "So long an object must be missing, from the first of these sweeps to the last."
    )
    max_objects: Annotated[int, Field(ge=0)] = _field(
        1000,
        "objects per sweep",
        "If more are to be deleted, none is, until `s3mover deletions approve` or until this is raised.",
    )
    max_share: Share = _field(
        0.1,
        "share of the objects that the destination lists, in percent",
        "If more of them are to be deleted by one sweep, none is, as above. 100%: no limit.",
    )


@dataclass(frozen=True, slots=True)
class AnchorAccessSettings(Section):
    """How the bucket of audit.anchor is reached: as source.region and its neighbours, with credentials of its own."""

    region: Region = _field("", "AWS region", "The region of the bucket.")
    endpoint_url: EndpointUrl = _field("", "http(s) URL without a path", "The endpoint of another store.")
    addressing: Annotated[Literal["auto", "path", "virtual"], Lowered] = _field(
        "auto", "auto, path or virtual", "Where requests name the bucket."
    )
    access_key: AccessKey = _field(
        "", "access key id", "Set together with secret_key. Empty: the AWS default chain."
    )
    secret_key: SecretText = _field(
        Secret(""), "secret access key", "Belongs to access_key. Prefer the environment or a mounted file."
    )
    session_token: SecretText = _field(Secret(""), "session token", "Belongs to temporary access keys.")
    profile: Text = _field("", "profile name", "A profile of the AWS configuration files.")
    role_arn: RoleArn = _field("", "ARN of an IAM role", "A role to assume with the credentials above.")
    external_id: Text = _field("", "text", "The external id, if the role's trust policy requires one.")


@dataclass(frozen=True, slots=True)
class AuditSettings(Section):
    """The audit database, which records the result for every object."""

    url: DatabaseUrl = _field(
        Secret("sqlite:///s3mover.db"),
        "database URL",
        "sqlite:///FILE (relative to the working directory; four slashes: absolute), "
        "mysql://USER:PASSWORD@HOST:PORT/NAME or USER:PASSWORD@tcp(HOST:PORT)/NAME. Prefer the environment or "
        "a mounted file for a URL with a password.",
    )
    retention: Duration = _field(
        0.0, "duration", "Settled rows older than this are removed. 0: kept forever."
    )
    signing_key_file: FilePath = _field(
        "",
        "path of a PEM file",
        "An Ed25519 private key that signs each seal; `s3mover audit keygen FILE` makes one. See docs/proof.md.",
    )
    anchor: AnchorUrl = _field(
        "",
        "s3://BUCKET/PREFIX",
        "Where each seal is also written as an object, so that seals cannot be removed or replaced by whoever can "
        "write the database. Best in another account.",
    )
    anchor_retention: Duration = _field(
        0.0,
        "duration",
        "How long Object Lock keeps each of these objects from everybody (compliance mode). The bucket must have "
        "Object Lock. 0: as the bucket's default says.",
    )
    anchor_access: AnchorAccessSettings = AnchorAccessSettings()


@dataclass(frozen=True, slots=True)
class HttpSettings(Section):
    """Where metrics, health and status are served."""

    host: Host = _field(
        "0.0.0.0",  # noqa: S104 - metrics and probes come from outside the container
        "address",
        "The address to listen on; 127.0.0.1 restricts it to this machine.",
    )
    port: Annotated[int, Field(ge=0, le=65535)] = _field(
        8080,
        "port, 0 to 65535",
        "Serves the status page at /, and /status, /metrics, /healthz and /readyz. 0: any free port.",
    )
    url: EndpointUrl = _field(
        "",
        "http(s) URL without a path",
        "Where people reach this instance's status page, for the link on the pages of instances that stand by. "
        "Empty: they only name it.",
    )


@dataclass(frozen=True, slots=True)
class ControlSettings(Section):
    """Where `s3mover pause` and `s3mover resume` reach the daemon while the audit database is unavailable."""

    socket: SocketPath = _field(
        "s3mover.sock",
        "path of a socket, or none",
        "A Unix socket that only its owner may use, relative to the working directory; any writable place "
        "will do. none: no socket.",
    )


@dataclass(frozen=True, slots=True)
class KubernetesSettings(Section):
    """What is done in a Kubernetes cluster beside the work; by default nothing, and its API is not used."""

    leader_label: LabelName = _field(
        "",
        "name of a label",
        "The label that the pod of the leader has, with the value true, so that a Service can select it. The "
        "service account needs the right to patch pods. Empty: none.",
    )
    pod: Host = _field("", "name of a pod", "The pod of this process. Empty: the host name.")


@dataclass(frozen=True, slots=True)
class LogSettings(Section):
    """The log on standard output."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Lowered] = _field(
        "info", "debug, info, warning or error", "Events below this level are not logged."
    )
    format: Annotated[Literal["auto", "json", "console"], Lowered] = _field(
        "auto",
        "auto, json or console",
        "json for machines, console for people; auto: console on a terminal, else json.",
    )


@dataclass(frozen=True, slots=True)
class SummarySettings(Section):
    """The summary file of each sweep."""

    directory: Directory = _field(
        Path("logs"), "directory", "The directory of the summary files, relative to the working directory."
    )
    keep: Annotated[int, Field(ge=1, le=1_000_000)] = _field(
        500, "files, 1 to 1000000", "Only the newest files are kept, so that a small disk does not fill up."
    )


@dataclass(frozen=True, slots=True)
class StopSettings(Section):
    """How the program stops."""

    grace: Duration = _field(
        25.0,
        "duration",
        "Time for transfers in flight to finish on SIGTERM; less than the 30 s after which Kubernetes kills.",
    )


@dataclass(frozen=True, slots=True)
class ScaleSettings(Section):
    """Many machines: a sweep is divided among the machines of a Dask cluster. See docs/scale.md."""

    scheduler: SchedulerAddress = _field(
        "",
        "tls://HOST:PORT",
        "The Dask scheduler, at which the machines register. tcp:// is accepted on loopback only. Empty: this process "
        "does all the work.",
    )
    ca_file: FilePath = _field(
        "",
        "path of a PEM file",
        "The certificate authority of the cluster, and of nothing else: its certificates are trusted whatever their "
        "names, and who holds one can run code on every machine.",
    )
    certificate_file: FilePath = _field("", "path of a PEM file", "The certificate of this process.")
    key_file: FilePath = _field("", "path of a PEM file", "The private key of that certificate.")
    dashboard: bool = _field(
        False,
        "true or false",
        "Whether the scheduler serves Dask's dashboard, without a password, on 127.0.0.1 port 8787.",
    )


@dataclass(frozen=True, slots=True)
class PricesSettings(Section):
    """What S3 charges, for `s3mover estimate`, the costs of sweeps and their limits. See docs/costs.md."""

    file: FilePath = _field(
        "",
        "path of a YAML file",
        "Prices in place of those that s3mover has of AWS, such as negotiated ones, and prices of other stores.",
    )
    location: Region = _field(
        "",
        "AWS region, or internet",
        "Where s3mover runs, which decides what streamed bytes cost: a region, or internet for a machine outside AWS. "
        "Empty: not known, so their transfer is left out of costs, which say so.",
    )


@dataclass(frozen=True, slots=True)
class LimitSettings(Section):
    """Upper limits of what a pair of buckets may cost."""

    cost_per_day: Money = _field(
        0,
        "US dollars",
        "Once the sweeps of a day have cost so much, no new work begins until the next day, in UTC by the clock of the "
        "audit database. What is in flight ends. It counts requests, transfer, retrieval and KMS, not storage, and "
        "needs their prices (prices.location, unless transfer.method is server_side_copy). 0: no limit.",
    )


@dataclass(frozen=True, slots=True)
class Settings(Section):
    """All settings of one run."""

    source: SourceSettings = SourceSettings()
    destination: DestinationSettings = DestinationSettings()
    transfer: TransferSettings = TransferSettings()
    filter: FilterSettings = FilterSettings()
    sweep: SweepSettings = SweepSettings()
    deletions: DeletionSettings = DeletionSettings()
    audit: AuditSettings = AuditSettings()
    scale: ScaleSettings = ScaleSettings()
    prices: PricesSettings = PricesSettings()
    limits: LimitSettings = LimitSettings()
    http: HttpSettings = HttpSettings()
    control: ControlSettings = ControlSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    log: LogSettings = LogSettings()
    summary: SummarySettings = SummarySettings()
    stop: StopSettings = StopSettings()
    # Set by the loader, which reads `routes` itself: the model of a route is that of all settings.
    routes: tuple[Route, ...] = ()


class Route(NamedTuple):
    """One of several pairs of buckets: its name, empty where there is but one, and the settings that hold for it."""

    name: str
    settings: Settings


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """Return the pairs of buckets that are worked on: the routes, or the one pair at the top."""
    return settings.routes or (Route("", settings),)
