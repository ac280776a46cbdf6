"""What the control port can do with the world: every public method of `Commands` is one command.

Arguments and results are JSON. Bytes are base64. `control.py` serves them over HTTP.
"""

import base64
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from simulator.accounts import AccessKey, make_access_key, make_kms_key
from simulator.comparison import compared, described
from simulator.faults import QUIRKS, FaultKind, FaultRule
from simulator.gc_tuning import without_collection
from simulator.object_builder import build_object, large_etag, properties_from, virtual
from simulator.policy import Document, Policy
from simulator.requestlog import as_records
from simulator.store import Bucket, StoredObject
from simulator.world import RateLimit, World

Json = dict[str, Any]


class Commands:
    """The commands."""

    def __init__(self, world: World) -> None:
        self._world = world

    # accounts

    def add_key(
        self,
        account: str,
        user: str = "root",
        policies: Sequence[Document] = (),
        session: bool = False,
        expires_in: float | None = None,
        access_key: str = "",
        secret_key: str = "",
    ) -> Json:
        """Make an access key; `expires_in` is in seconds."""
        expires_at = None if expires_in is None else self._world.now() + expires_in
        key = make_access_key(
            account, user, tuple(policies), session=session, expires_at=expires_at,
            access_key=access_key, secret_key=secret_key,
        )  # fmt: skip
        self._world.keys[key.id] = key
        return _shown_key(key)

    def set_policies(self, access_key: str, policies: Sequence[Document]) -> None:
        """Replace the policies of a key's identity."""
        self._world.keys[access_key].policies = tuple(Policy(document) for document in policies)

    def expire_key(self, access_key: str) -> None:
        """Make a temporary key expire now."""
        self._world.keys[access_key].expires_at = self._world.now()

    def remove_key(self, access_key: str) -> None:
        """Remove a key."""
        del self._world.keys[access_key]

    def add_kms_key(self, account: str, region: str = "", policy: Document | None = None) -> str:
        """Make a KMS key and return its ARN."""
        key = make_kms_key(account, region or self._world.region, policy)
        self._world.kms_keys[key.arn] = key
        return key.arn

    def set_kms_policy(self, arn: str, policy: Document) -> None:
        """Replace a KMS key's policy."""
        self._world.kms_keys[arn].policy = Policy(policy)

    # buckets

    def create_bucket(self, name: str, owner: str, region: str = "", **settings: Any) -> None:
        """Make a bucket; the settings are those of `configure_bucket`."""
        if name in self._world.buckets:
            raise ValueError(f"bucket {name} exists")
        bucket = Bucket(name, owner, region or self._world.region)
        _configure(bucket, **settings)
        self._world.buckets[name] = bucket

    def configure_bucket(self, name: str, **settings: Any) -> None:
        """Change the settings that are given; an empty policy (`{"Statement": []}`) removes the old one."""
        _configure(self._world.buckets[name], **settings)

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with its objects."""
        del self._world.buckets[name]

    # objects

    def put_objects(self, bucket: str, objects: Iterable[Json]) -> None:
        """Put objects straight into a bucket; each is described as `Simulator.put_object` takes it."""
        into = self._world.buckets[bucket]
        for one in objects:
            into.put(build_object(into, one, self._world.now()))

    def fill(
        self,
        bucket: str,
        count: int,
        size: int = 1024,
        prefix: str = "",
        start: int = 0,
        seed: int = 0,
        **properties: Any,
    ) -> None:
        """Put `count` virtual objects `PREFIX00000000`, ... of `size` bytes, each with different content."""
        into = self._world.buckets[bucket]
        shared = properties_from(into, properties)
        now = int(self._world.now())
        with without_collection():
            for number in range(start, start + count):
                content = virtual(seed + number + 1, size)
                etag = large_etag(content, shared)
                into.put(StoredObject(f"{prefix}{number:08d}", content, shared, into.owner, now, etag))

    def delete_objects(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects without a permission check."""
        place = self._world.buckets[bucket]
        for key in keys:
            place.delete(key, place.owner, int(self._world.now()))

    def read_object(self, bucket: str, key: str, limit: int = 64 * 1024 * 1024) -> str:
        """Return the first `limit` bytes of an object in base64."""
        content = self._object(bucket, key).content
        return base64.b64encode(b"".join(content.cut(0, min(limit, content.size)).chunks())).decode()

    def objects(self, bucket: str, prefix: str = "", after: str = "", limit: int = 100_000) -> list[Json]:
        """Describe the current objects of a bucket, in order."""
        place = self._world.buckets[bucket]
        keys = (key for key in place.order.after(after) if key.startswith(prefix))
        found = (place.get(key) for key in islice(keys, limit))
        return [described(one) for one in found if one]

    def count(self, bucket: str) -> int:
        """Return how many current objects a bucket holds."""
        return len(self._world.buckets[bucket])

    def uploads(self, bucket: str) -> list[Json]:
        """Describe the multipart uploads in progress."""
        uploads = self._world.buckets[bucket].uploads.values()
        return [{"id": one.id, "key": one.key, "parts": sorted(one.parts)} for one in uploads]

    def differences(
        self,
        first: str,
        second: str,
        first_prefix: str = "",
        second_prefix: str = "",
        ignoring: Iterable[str] = (),
        limit: int = 100,
    ) -> list[Json]:
        """Compare two buckets below their prefixes: bytes and every property except those in `ignoring`.

        Each difference has `key` (below the prefix), `field` (`missing`, `extra` or a property's name) and both
        values. Owner, ETag and date are never compared: a correct copy may differ in them.
        """
        one = self._below(first, first_prefix)
        two = self._below(second, second_prefix)
        return list(islice(compared(one, two, frozenset(ignoring)), limit))

    def _below(self, bucket: str, prefix: str) -> dict[str, StoredObject]:
        found = self._world.buckets[bucket].objects()
        return {one.key[len(prefix) :]: one for one in found if one.key.startswith(prefix)}

    def _object(self, bucket: str, key: str) -> StoredObject:
        found = self._world.buckets[bucket].get(key)
        if found is None:
            raise ValueError(f"no object {key!r} in {bucket}")
        return found

    # faults, clock, speed

    def add_fault(self, **rule: Any) -> int:
        """Add a rule (`faults.FaultRule`) and return its id."""
        return self._world.faults.add(FaultRule(**rule | {"kind": FaultKind(rule["kind"])}))

    def clear_faults(self, rule_id: int | None = None) -> None:
        """Remove one rule, or all."""
        self._world.faults.clear(rule_id)

    def faults(self) -> list[Json]:
        """Describe the rules, with the number of requests that each matched and hit."""
        return [rule.described() for rule in self._world.faults.rules]

    def set_latency(self, latency: dict[str, float]) -> None:
        """Set the delay of answers in seconds, by operation (`*`: every other)."""
        self._world.latency = latency

    def set_rate_limit(
        self, bucket: str = "*", writes: float = 0, reads: float = 0, depth: int = 0, saved: float = 0.1
    ) -> None:
        """Set the requests per second that each prefix of a bucket admits."""
        self._world.limits[bucket] = RateLimit(writes, reads, depth, saved)

    def set_clock(self, offset: float) -> None:
        """Set by how many seconds the server's clock is ahead."""
        self._world.clock_offset = offset

    # log

    def log(self, operation: str = "", bucket: str = "", since: int = 0, limit: int = 0) -> list[Json]:
        """Return the newest requests that match, oldest first."""
        return as_records(self._world.log.entries(operation, bucket, since, limit))

    def counts(self, bucket: str = "") -> dict[str, int]:
        """Return how often each `Operation` or `Operation:Code` was answered."""
        return self._world.log.counts(bucket)

    def clear_log(self) -> None:
        """Forget all requests."""
        self._world.log.clear()


def _shown_key(key: AccessKey) -> Json:
    return {
        "access_key": key.id,
        "secret_key": key.secret,
        "session_token": key.token,
        "account": key.principal.account,
        "arn": key.principal.arn,
        "expires_at": key.expires_at,
    }


def _known_quirks(names: Iterable[str]) -> frozenset[str]:
    quirks = frozenset(names)
    if unknown := quirks - QUIRKS.keys():
        raise ValueError(f"no such quirk: {', '.join(sorted(unknown))}")
    return quirks


def _configure(
    bucket: Bucket,
    policy: Document | None = None,
    quirks: Iterable[str] | None = None,
    versioning: str | None = None,
    ownership: str | None = None,
    default_kms_key: str | None = None,
    object_lock: bool | None = None,
    website: bool | None = None,
    requester_pays: bool | None = None,
) -> None:
    if policy is not None:
        bucket.set_policy(policy)
    if quirks is not None:
        bucket.quirks = _known_quirks(quirks)
    wanted = {
        "versioning": versioning,
        "ownership": ownership,
        "default_kms_key": default_kms_key,
        "object_lock": object_lock,
        "website": website,
        "requester_pays": requester_pays,
    }
    for setting, value in wanted.items():
        if value is not None:
            setattr(bucket, setting, value)
