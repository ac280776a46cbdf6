"""Constraints between several settings: pure checks on settings that are valid one by one.

Two names of one bucket (an access point and the bucket behind it, two host names of one server) cannot be recognised
here; every overlap that can be seen is refused.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from s3mover.settings.model import AnchorAccessSettings, BucketSettings, Route, ScaleSettings, Settings
from s3mover.settings.problems import Problem
from s3mover.stores import Store, store_of_endpoint


def missing_buckets(settings: Settings) -> Iterator[Problem]:
    """Yield a problem for each bucket that is not set."""
    for side, short, bucket in (
        ("source", "SRC", settings.source),
        ("destination", "DST", settings.destination),
    ):
        if not bucket.bucket:
            yield Problem(
                f"{side}.bucket: is not set; set {side}.bucket, or {short}_BUCKET in the environment",
                frozenset({f"{side}.bucket"}),
            )


def conflicts(settings: Settings) -> Iterator[Problem]:
    """Yield the other problems: credentials, encryption, overlapping buckets, more processes than threads."""
    yield from _paired_keys("source", settings.source)
    yield from _paired_keys("destination", settings.destination)
    yield from _encryption(settings)
    yield from _apart(settings)
    yield from _one_store(settings)
    yield from _enough_threads(settings)
    yield from _complete_identity(settings.scale)
    yield from _deletions(settings)
    yield from _anchor(settings)


def duplicate_pairs(routes: Sequence[Route]) -> Iterator[Problem]:
    """Yield a problem for each route whose buckets and prefixes another route has: it would never get the lease."""
    known: dict[tuple[str, ...], str] = {}
    for name, settings in routes:
        source, destination = settings.source, settings.destination
        pair = (source.bucket, source.prefix, destination.bucket, destination.prefix)
        if pair in known:
            yield Problem(
                f"routes.{name}: has the same buckets and prefixes as routes.{known[pair]}; "
                "remove one of them, or give it another prefix"
            )
        known.setdefault(pair, name)


def shared_destinations(routes: Sequence[Route]) -> Iterator[Problem]:
    """Yield a problem for each route that would delete what another route copies to the same place."""
    for one, other in combinations(routes, 2):
        if not _overlap(one.settings.destination, other.settings.destination):
            continue
        for name, settings in (one, other):
            if settings.deletions.mode == "propagate" and settings.deletions.scope == "all":
                second = other.name if name == one.name else one.name
                yield Problem(
                    f"routes.{name}.deletions.scope: all would delete what routes.{second} copies, because their "
                    "destinations overlap; expected recorded, or destinations of which neither contains the other"
                )


def shared_queues(routes: Sequence[Route]) -> Iterator[Problem]:
    """Yield a problem for each route that receives from the queue of another one, and would delete its messages."""
    known: dict[str, str] = {}
    for name, settings in routes:
        queue = settings.source.events.queue
        if queue and queue in known:
            yield Problem(
                f"routes.{name}.source.events.queue: is also that of routes.{known[queue]}, which would miss what "
                "this route receives; expected a queue for each route"
            )
        known.setdefault(queue, name)


def _overlap(one: BucketSettings, other: BucketSettings) -> bool:
    shorter, longer = sorted((one.prefix, other.prefix), key=len)
    return one.bucket == other.bucket and _store(one) == _store(other) and longer.startswith(shorter)


def _deletions(settings: Settings) -> Iterator[Problem]:
    if settings.deletions.mode != "keep" and settings.transfer.after == "delete":
        yield Problem(
            f"deletions.mode: {settings.deletions.mode} is not possible with transfer.after: delete, because an object "
            "that was moved is missing at the source by design, so its only copy would be deleted; expected keep",
            frozenset({"deletions.mode", "transfer.after"}),
        )
    if settings.deletions.mode != "keep" and settings.scale.scheduler:
        yield Problem(
            f"deletions.mode: {settings.deletions.mode} is not possible with scale.scheduler, because machines that "
            "share a sweep do not look for objects that only the destination has; expected keep, or no scheduler",
            frozenset({"deletions.mode", "scale.scheduler"}),
        )


def _paired_keys(side: str, bucket: BucketSettings | AnchorAccessSettings) -> Iterator[Problem]:
    names = frozenset({f"{side}.access_key", f"{side}.secret_key", f"{side}.session_token"})
    secret, token = bucket.secret_key.value, bucket.session_token.value
    if bucket.access_key and not secret:
        yield Problem(f"{side}.secret_key: missing beside {side}.access_key; set both or neither", names)
    if secret and not bucket.access_key:
        yield Problem(f"{side}.access_key: missing beside {side}.secret_key; set both or neither", names)
    if token and not (bucket.access_key or secret):
        yield Problem(
            f"{side}.session_token: belongs to an access key; set {side}.access_key and secret_key too", names
        )


def _anchor(settings: Settings) -> Iterator[Problem]:
    """Seals must not lie among the objects that are moved: they would be copied, or deleted as nobody's."""
    audit = settings.audit
    yield from _paired_keys("audit.anchor_access", audit.anchor_access)
    if audit.anchor_retention and not audit.anchor:
        yield Problem("audit.anchor_retention: is set, and audit.anchor is not; set both, or neither")
    bucket, _, prefix = audit.anchor.removeprefix("s3://").partition("/")
    store = store_of_endpoint(audit.anchor_access.endpoint_url, audit.anchor_access.region)
    for side, other in (("source", settings.source), ("destination", settings.destination)):
        shorter, longer = sorted((prefix, other.prefix), key=len)
        if bucket and bucket == other.bucket and store == _store(other) and longer.startswith(shorter):
            yield Problem(
                f"audit.anchor: {audit.anchor} shares keys with the {side}, s3://{other.bucket}/{other.prefix}; "
                "choose another bucket, or a prefix apart"
            )


def _encryption(settings: Settings) -> Iterator[Problem]:
    if settings.destination.encryption == "AES256" and settings.destination.kms_key_id:
        yield Problem(
            "destination.encryption: AES256 uses no KMS key, but destination.kms_key_id is set; expected aws:kms or "
            "aws:kms:dsse, or no key",
            frozenset({"destination.encryption", "destination.kms_key_id"}),
        )


def _apart(settings: Settings) -> Iterator[Problem]:
    """Both ends must not be the same objects.

    Two accounts of another store than AWS may each have a bucket of one name: with two credentials a sweep finds that
    out before it begins (`app/bucket_access.py`).
    """
    source, destination = settings.source, settings.destination
    store = _store(source)
    if not source.bucket or source.bucket != destination.bucket or store != _store(destination):
        return
    if not store.is_aws and _identity(source) != _identity(destination):
        return
    shorter, longer = sorted((source.prefix, destination.prefix), key=len)
    if longer.startswith(shorter):
        yield Problem(
            f"source and destination overlap: s3://{source.bucket}/{source.prefix} and "
            f"s3://{destination.bucket}/{destination.prefix} share keys, so objects would overwrite "
            "each other and could be lost; choose another bucket, or prefixes of which neither begins with "
            "the other",
            frozenset(
                f"{side}.{field}"
                for side in ("source", "destination")
                for field in ("bucket", "prefix", "endpoint_url")
            ),
        )


def _one_store(settings: Settings) -> Iterator[Problem]:
    """A server-side copy needs both buckets in one store; `auto` streams between two."""
    source, destination = _store(settings.source), _store(settings.destination)
    if settings.transfer.method == "server_side_copy" and source != destination:
        yield Problem(
            f"transfer.method: server_side_copy is not possible between two stores ({source} and {destination}); "
            "expected auto or streaming",
            frozenset({"transfer.method", "source.endpoint_url", "destination.endpoint_url"}),
        )


def _store(bucket: BucketSettings) -> Store:
    return store_of_endpoint(bucket.endpoint_url, bucket.region)


def _identity(bucket: BucketSettings) -> tuple[str, str, str]:
    """Return what names the account whose credentials a side uses."""
    return bucket.access_key, bucket.profile, bucket.role_arn


def _enough_threads(settings: Settings) -> Iterator[Problem]:
    processes, threads = settings.transfer.processes, settings.transfer.threads
    if processes > threads:
        yield Problem(
            f"transfer.processes: {processes} processes cannot share {threads} threads (transfer.threads); "
            "expected at most as many processes as threads",
            frozenset({"transfer.processes", "transfer.threads"}),
        )


def _complete_identity(scale: ScaleSettings) -> Iterator[Problem]:
    """TLS between machines needs a certificate on each of them."""
    files = {
        "scale.ca_file": scale.ca_file,
        "scale.certificate_file": scale.certificate_file,
        "scale.key_file": scale.key_file,
    }
    if not any(files.values()) and not scale.scheduler.startswith("tls:"):
        return
    missing = [name for name, path in files.items() if not path]
    if missing:
        yield Problem(
            f"{', '.join(missing)}: not set; the connections between machines need a certificate authority, a "
            "certificate and its key (`s3mover certificates DIR` makes them for a try-out)",
            frozenset({"scale.scheduler", *files}),
        )
