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
        Bucket,
        DatabaseUrl,
        Directory,
        Duration,
        EndpointUrl,
        Globs,
        Host,
        KeyPrefix,
        Lowered,
        Region,
        RequesterPays,
        RoleArn,
        SecretText,
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
    """What all sections share: they are told from values by it."""


@dataclass(frozen=True, slots=True)
class BucketSettings(Section):
    """One end of the transfer: which bucket, where it answers, and who asks."""

    bucket: Bucket = _field(
        "",
        "name, or ARN or alias of an access point",
        "The bucket at this end. It must be named, here or in the environment.",
    )
    prefix: KeyPrefix = _field(
        "", "beginning of a key", "Only keys that begin with it belong to this end; empty: all."
    )
    account_id: AccountId = _field(
        "",
        "AWS account number",
        "The account that owns the bucket. Set, each request says so, and S3 refuses it where the bucket is another "
        "account's. Empty: not looked at.",
    )
    region: Region = _field(
        "",
        "AWS region",
        "Where the bucket is. Empty: from the AWS default chain, corrected by what S3 answers.",
    )
    endpoint_url: EndpointUrl = _field(
        "", "http(s) URL without a path", "The address of another S3-compatible store. Empty: AWS, by region."
    )
    access_key: AccessKey = _field(
        "",
        "access key id",
        "Set together with secret_key. Empty: the AWS default chain (environment, profile, SSO, web identity, "
        "container, instance), refreshed for as long as the program lives.",
    )
    secret_key: SecretText = _field(
        Secret(""),
        "secret access key",
        "Belongs to access_key; better given by the environment or a mounted file.",
    )
    session_token: SecretText = _field(
        Secret(""),
        "session token",
        "Belongs to temporary access keys, which cannot be refreshed and expire.",
    )
    profile: Text = _field(
        "", "profile name", "A profile of the AWS configuration files, instead of an access key."
    )
    role_arn: RoleArn = _field(
        "",
        "ARN of an IAM role",
        "A role to assume with the credentials above, for instance one of the other account.",
    )
    external_id: Text = _field("", "text", "What the role's trust policy asks for, where it does.")
    request_payer: Annotated[Literal["", "requester"], RequesterPays] = _field(
        "",
        "requester, or empty",
        "Agrees to pay for requests to a Requester Pays bucket, which refuses others.",
    )


@dataclass(frozen=True, slots=True)
class SourceSettings(BucketSettings):
    """The bucket to read."""


@dataclass(frozen=True, slots=True)
class DestinationSettings(BucketSettings):
    """The bucket to write."""

    prefix: KeyPrefix = _field(
        "",
        "beginning of a key",
        "Replaces the source's prefix in each key. Not set: the source's prefix, so that keys stay as they are. "
        'Two quotation marks ("") mean none at all, here and in the environment.',
    )
    storage_class: StorageClass = _field(
        "", "storage class", "The class of what is written, such as STANDARD_IA. Empty: as at the source."
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
        "Sent with each object. Where the bucket does not enforce its owner's ownership, bucket-owner-full-control "
        "lets the other account own what it receives. Empty: none is sent.",
    )
    kms_key_id: Token = _field(
        "",
        "KMS key id, alias or ARN",
        "The key that encrypts what is written. Empty: the bucket's own default.",
    )


@dataclass(frozen=True, slots=True)
class RestoreSettings(Section):
    """What is done about archived objects, which cannot be read before they are restored."""

    tier: Annotated[Literal["", "standard", "bulk", "expedited"], Lowered] = _field(
        "",
        "standard, bulk or expedited, or empty",
        "Asks S3 to restore archived objects that a sweep meets, at this tier; they move once they are there. "
        "Restoring costs money and takes hours. Empty: archived objects are skipped.",
    )
    days: Annotated[int, Field(ge=1, le=30)] = _field(
        3, "days, 1 to 30", "How long a restored object stays readable; a sweep must come by meanwhile."
    )


@dataclass(frozen=True, slots=True)
class TransferSettings(Section):
    """How objects travel, and how fast."""

    method: Annotated[Literal["auto", "server_side_copy", "streaming"], Lowered] = _field(
        "auto",
        "auto, server_side_copy or streaming",
        "auto copies within S3 and streams through this machine only where a copy is not permitted.",
    )
    threads: Annotated[int, Field(ge=1, le=1000)] = _field(
        150,
        "transfers in flight, 1 to 1000",
        "All workers together. A transfer mostly waits for S3, so many fit on one core.",
    )
    processes: Annotated[int, Field(ge=0, le=64)] = _field(
        0, "worker processes, 0 to 64", "They share the threads among them. 0: one per core."
    )
    large_objects: Annotated[Literal["transfer", "report"], Lowered] = _field(
        "transfer",
        "transfer or report",
        "Objects over 5 GiB, which S3 does not copy in one request: transfer moves them in parts, report records an "
        "error with the command to run by hand.",
    )
    part_size: Annotated[Size, Field(ge=5 * MIB, le=5 * GIB)] = _field(
        64 * MIB,
        "size, 5MiB to 5GiB",
        "Large objects travel in parts of this size; it grows by itself where 10,000 parts would not do.",
    )
    after: Annotated[Literal["keep", "delete"], Lowered] = _field(
        "keep",
        "keep or delete",
        "What becomes of the source's object once its copy is verified and recorded. delete makes a move of it; in a "
        "bucket with versions it adds a delete marker, and all versions stay, and cost, until a lifecycle rule ends "
        "them.",
    )
    thorough: Annotated[Literal["auto", "always", "never"], Lowered] = _field(
        "auto",
        "auto, always or never",
        "Whether every object is asked about before a server-side copy, so that website redirects and Object Lock "
        "settings, which S3 does not copy, are kept; that costs one more request per object. auto does so only where "
        "the source's bucket has Object Lock, where a bucket is a website, or where neither is told.",
    )
    restore: RestoreSettings = RestoreSettings()
    max_attempts: Annotated[int, Field(ge=1, le=100)] = _field(
        8, "attempts, 1 to 100", "Per object and sweep; only temporary errors are tried again."
    )
    requests_per_second: Annotated[float, Field(ge=0, allow_inf_nan=False)] = _field(
        0,
        "requests per second",
        "An upper bound on all requests, for stores or budgets that need one. 0: none but S3's own refusals.",
    )
    bandwidth: Annotated[Size, Field(ge=0)] = _field(
        0, "size per second", "An upper bound on the bytes that stream through this machine. 0: none."
    )


@dataclass(frozen=True, slots=True)
class FilterSettings(Section):
    """Which objects are looked at."""

    include: Globs = _field(
        (),
        "globs",
        "Only keys like one of these, looked at below the prefix; * matches / too. Empty: all keys.",
    )
    exclude: Globs = _field((), "globs", "Keys like one of these stay out, even where include names them.")
    min_age: Duration = _field(
        0.0,
        "duration",
        "Younger objects wait for a later sweep, for writers that replace an object shortly after.",
    )


@dataclass(frozen=True, slots=True)
class SweepSettings(Section):
    """When it is time to look again."""

    interval: Duration = _field(
        60.0,
        "duration",
        "From the end of one sweep to the start of the next; each costs one listing of both buckets.",
    )
    ranges: Annotated[int, Field(ge=1, le=64)] = _field(
        8,
        "ranges, 1 to 64",
        "Ranges of keys that large buckets are listed by at a time. 1: one after the other, for stores that cannot "
        "begin a listing after a given key.",
    )
    retry_wait: Duration = _field(
        60.0,
        "duration",
        "An object that failed is tried again by the next sweep. From its second failure in a row on it waits this "
        "long first, twice as long after each further one; `s3mover retry` ends the wait. 0: it never waits.",
    )
    retry_wait_longest: Duration = _field(
        3600.0,
        "duration",
        "No object waits longer. It is also the longest that an object stays behind once what kept it was mended.",
    )

    windows: Windows = _field(
        (),
        "windows of the week",
        "New work begins in these hours only: outside them no sweep begins, and one under way ends as interrupted. "
        "Each has days (mon-fri, or [sat, sun]; else every day), hours (they may cross midnight; else all day) and "
        "time_zone (Europe/Berlin; else UTC). Empty: always.",
    )


@dataclass(frozen=True, slots=True)
class AuditSettings(Section):
    """Where it is recorded what became of every object."""

    url: DatabaseUrl = _field(
        Secret("sqlite:///s3mover.db"),
        "database URL",
        "sqlite:///FILE (relative to the working directory, four slashes: absolute), "
        "mysql://USER:PASSWORD@HOST:PORT/NAME or USER:PASSWORD@tcp(HOST:PORT)/NAME. "
        "One with a password is better given by the environment or a mounted file.",
    )
    retention: Duration = _field(
        0.0, "duration", "Settled rows older than this are removed. 0: kept for ever."
    )


@dataclass(frozen=True, slots=True)
class HttpSettings(Section):
    """Where metrics, health and status are served."""

    host: Host = _field("0.0.0.0", "address", "The address to listen at; 127.0.0.1 keeps it to this machine.")  # noqa: S104
    port: Annotated[int, Field(ge=0, le=65535)] = _field(
        8080,
        "port, 0 to 65535",
        "For the status page at /, /status, /metrics, /healthz and /readyz. 0: any free port.",
    )


@dataclass(frozen=True, slots=True)
class ControlSettings(Section):
    """Where `s3mover pause` and `s3mover resume` reach the daemon."""

    socket: SocketPath = _field(
        "s3mover.sock",
        "path of a socket, or none",
        "A Unix socket that only its owner may use, relative to the working directory; any writable place will do. "
        "none: nowhere.",
    )


@dataclass(frozen=True, slots=True)
class LogSettings(Section):
    """What is said on standard output."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Lowered] = _field(
        "info", "debug, info, warning or error", "Events below this weight are left out."
    )
    format: Annotated[Literal["auto", "json", "console"], Lowered] = _field(
        "auto", "auto, json or console", "json for machines, console for people; auto: console on a terminal."
    )


@dataclass(frozen=True, slots=True)
class SummarySettings(Section):
    """The file that each sweep leaves."""

    directory: Directory = _field(
        Path("logs"), "directory", "Where the summaries lie, relative to the working directory."
    )
    keep: Annotated[int, Field(ge=1, le=1_000_000)] = _field(
        500, "files, 1 to 1000000", "The newest ones stay, so that a small disk never fills."
    )


@dataclass(frozen=True, slots=True)
class StopSettings(Section):
    """How the program ends."""

    grace: Duration = _field(
        25.0,
        "duration",
        "Time that transfers in flight get on SIGTERM; less than the 30 s after which Kubernetes kills.",
    )


@dataclass(frozen=True, slots=True)
class Settings(Section):
    """All settings of one run."""

    source: SourceSettings = SourceSettings()
    destination: DestinationSettings = DestinationSettings()
    transfer: TransferSettings = TransferSettings()
    filter: FilterSettings = FilterSettings()
    sweep: SweepSettings = SweepSettings()
    audit: AuditSettings = AuditSettings()
    http: HttpSettings = HttpSettings()
    control: ControlSettings = ControlSettings()
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
