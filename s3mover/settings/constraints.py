"""Constraints between several settings: pure checks on settings that are valid one by one.

Two names of one bucket (an access point and the bucket behind it, two host names of one server) cannot be recognised
here; every overlap that can be seen is refused.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from s3mover.settings.model import BucketSettings, Route, Settings
from s3mover.settings.problems import Problem

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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
    """Yield the other problems: incomplete credentials, overlapping buckets, more processes than threads."""
    yield from _paired_keys("source", settings.source)
    yield from _paired_keys("destination", settings.destination)
    yield from _apart(settings)
    yield from _enough_threads(settings)


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


def _paired_keys(side: str, bucket: BucketSettings) -> Iterator[Problem]:
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


def _apart(settings: Settings) -> Iterator[Problem]:
    source, destination = settings.source, settings.destination
    if not source.bucket or source.bucket != destination.bucket or _store(source) != _store(destination):
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


def _store(bucket: BucketSettings) -> tuple[str, int | None]:
    """Return what identifies the store of a bucket; the regions of an AWS partition share one namespace."""
    url = urlsplit(bucket.endpoint_url)
    host = (url.hostname or "").rstrip(".")
    if not host or host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return _partition(f"{host}.{bucket.region}"), None
    port = None if url.port == _DEFAULT_PORTS.get(url.scheme) else url.port
    return "localhost" if host in _LOOPBACK else host, port


def _partition(where: str) -> str:
    if "cn-" in where:
        return "aws-cn"
    return "aws-us-gov" if "us-gov-" in where else "aws"


def _enough_threads(settings: Settings) -> Iterator[Problem]:
    processes, threads = settings.transfer.processes, settings.transfer.threads
    if processes > threads:
        yield Problem(
            f"transfer.processes: {processes} processes cannot share {threads} threads (transfer.threads); "
            "expected at most as many processes as threads",
            frozenset({"transfer.processes", "transfer.threads"}),
        )
