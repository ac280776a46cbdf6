"""The state of the simulator: access keys, buckets, faults, clock, latency, limits, log.

One object, changed by requests and by the control port, on one thread.
"""

import time
from dataclasses import dataclass, field

from simulator.accounts import AccessKey, KmsKey
from simulator.faults import Faults
from simulator.refusals import Refusal
from simulator.requestlog import RequestLog
from simulator.store import Bucket


@dataclass
class RateLimit:
    """Requests per second that S3 admits for one prefix of a bucket; 0 means no limit.

    A key's prefix is its first `depth` segments (0: the whole bucket is one prefix). Up to `saved` seconds of unused
    requests are kept.
    """

    writes: float = 0.0
    reads: float = 0.0
    depth: int = 0
    saved: float = 0.1


class TokenBuckets:
    """Token buckets, one per bucket, prefix and direction."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str, bool], tuple[float, float]] = {}

    def take(self, place: tuple[str, str, bool], rate: float, saved: float, now: float) -> bool:
        """Take one token; return whether there was one."""
        most = max(rate * saved, 1.0)
        level, since = self._levels.get(place, (most, now))
        level = min(most, level + (now - since) * rate)
        is_taken = level >= 1.0
        self._levels[place] = (level - is_taken, now)
        return is_taken


@dataclass
class World:
    """The whole state. `latency` is in seconds per operation name (`*`: every other)."""

    region: str = "us-east-1"
    keys: dict[str, AccessKey] = field(default_factory=dict)
    kms_keys: dict[str, KmsKey] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    latency: dict[str, float] = field(default_factory=dict)
    limits: dict[str, RateLimit] = field(default_factory=dict)
    tokens: TokenBuckets = field(default_factory=TokenBuckets)
    clock_offset: float = 0.0

    def now(self) -> float:
        """Return the server's time, in seconds since the epoch."""
        return time.time() + self.clock_offset

    def bucket(self, name: str, account: str = "") -> Bucket:
        """Return the bucket that an account's requests name: `ACCOUNT:NAME` if there is one, else `NAME`.

        Buckets named `ACCOUNT:NAME` give each account a namespace of its own, as Ceph's tenants have.

        Raises:
            Refusal: NoSuchBucket.
        """
        found = self.buckets.get(f"{account}:{name}", self.buckets.get(name))
        if found is None:
            raise Refusal("NoSuchBucket", elements=(("BucketName", name),))
        return found

    def check_rate(self, bucket: str, key: str, *, writes: bool) -> None:
        """Count a request against its prefix's rate.

        Raises:
            Refusal: SlowDown.
        """
        limit = self.limits.get(bucket) or self.limits.get("*")
        rate = 0.0 if limit is None else limit.writes if writes else limit.reads
        if limit is None or not rate:
            return
        prefix = "/".join(key.split("/", limit.depth)[: limit.depth]) if limit.depth else ""
        if not self.tokens.take((bucket, prefix, writes), rate, limit.saved, time.monotonic()):
            raise Refusal("SlowDown")
