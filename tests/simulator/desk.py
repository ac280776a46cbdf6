"""What the control port can do with the world: every public method of `Desk` is one command.

Arguments and results are JSON. Bytes are base64. How commands travel is `control.py`'s business.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from tests.simulator.accounts import AccessKey, make_access_key, make_kms_key
from tests.simulator.content import EXACT_LIMIT, Content
from tests.simulator.faults import QUIRKS, Kind, Rule
from tests.simulator.policy import Document, Policy
from tests.simulator.requestlog import as_records
from tests.simulator.store import (
    PLAIN,
    Bucket,
    Encryption,
    Lock,
    Pairs,
    Properties,
    StoredObject,
)
from tests.simulator.virtual import stretch_of
from tests.simulator.world import RateLimit, World

Json = dict[str, Any]
_PART = 8 * 1024 * 1024
"""Part size, in bytes, of which large objects made here claim to consist."""


class Desk:
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
        """Let a temporary key expire now."""
        self._world.keys[access_key].expires_at = self._world.now()

    def remove_key(self, access_key: str) -> None:
        """Remove a key, as if it had never been."""
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
        self._world.buckets[name] = Bucket(name, owner, region or self._world.region)
        self.configure_bucket(name, **settings)

    def configure_bucket(
        self,
        name: str,
        policy: Document | None = None,
        versioning: str | None = None,
        ownership: str | None = None,
        default_kms_key: str | None = None,
        object_lock: bool | None = None,
        requester_pays: bool | None = None,
        quirks: Iterable[str] | None = None,
    ) -> None:
        """Change the settings that are given; an empty policy (`{"Statement": []}`) takes the old one away."""
        bucket = self._world.buckets[name]
        if policy is not None:
            bucket.set_policy(policy)
        if quirks is not None:
            bucket.quirks = _known_quirks(quirks)
        wanted = {
            "versioning": versioning,
            "ownership": ownership,
            "default_kms_key": default_kms_key,
            "object_lock": object_lock,
            "requester_pays": requester_pays,
        }
        for setting, value in wanted.items():
            if value is not None:
                setattr(bucket, setting, value)

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with all that lies in it."""
        del self._world.buckets[name]

    # objects

    def put_objects(self, bucket: str, objects: Iterable[Json]) -> None:
        """Put objects straight into a bucket; each is described as `Simulator.put_object` takes it."""
        into = self._world.buckets[bucket]
        for one in objects:
            into.put(self._made(into, one))

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
        """Put `count` virtual objects `PREFIX00000000`, ... of `size` bytes, each with content of its own."""
        into = self._world.buckets[bucket]
        told = _properties(into, properties)
        now = int(self._world.now())
        for number in range(start, start + count):
            content = Content((stretch_of(seed + number + 1, size),))
            etag = _large_etag(content, told.encryption)
            into.put(StoredObject(f"{prefix}{number:08d}", content, told, into.owner, now, etag))

    def delete_objects(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects without asking anyone."""
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
        """Describe the multipart uploads under way."""
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
        """Compare two buckets below their prefixes: bytes and every property, but those in `ignoring`.

        Each difference has `key` (below the prefix), `field` (`missing`, `extra` or a property's name) and both
        values. Owner, ETag and date are never compared: a right copy may differ in them.
        """
        one = self._below(first, first_prefix)
        two = self._below(second, second_prefix)
        return list(islice(_differences(one, two, frozenset(ignoring)), limit))

    def _below(self, bucket: str, prefix: str) -> dict[str, StoredObject]:
        found = self._world.buckets[bucket].objects()
        return {one.key[len(prefix) :]: one for one in found if one.key.startswith(prefix)}

    def _object(self, bucket: str, key: str) -> StoredObject:
        found = self._world.buckets[bucket].get(key)
        if found is None:
            raise ValueError(f"no object {key!r} in {bucket}")
        return found

    def _made(self, bucket: Bucket, told: Json) -> StoredObject:
        told = dict(told)
        key, body = told.pop("key"), told.pop("body", None)
        seed, size = told.pop("seed", 1), told.pop("size", 0)
        age, owner = told.pop("age", 0), told.pop("owner", None) or bucket.owner
        content = Content((stretch_of(seed, size) if body is None else base64.b64decode(body),))
        properties = _properties(bucket, told)
        modified = int(self._world.now() - age)
        etag = _large_etag(content, properties.encryption)
        return StoredObject(key, content, properties, owner, modified, etag)

    # faults, clock, speed

    def add_fault(self, **rule: Any) -> int:
        """Put a rule (`faults.Rule`) in force and return its id."""
        return self._world.faults.add(Rule(**rule | {"kind": Kind(rule["kind"])}))

    def clear_faults(self, rule_id: int | None = None) -> None:
        """Take one rule, or all, out of force."""
        self._world.faults.clear(rule_id)

    def faults(self) -> list[Json]:
        """Describe the rules in force, with how often each was asked and struck."""
        return [rule.described() for rule in self._world.faults.rules]

    def set_latency(self, latency: dict[str, float]) -> None:
        """Set the seconds that answers take, by operation (`*`: every other)."""
        self._world.latency = latency

    def set_rate_limit(self, bucket: str = "*", writes: float = 0, reads: float = 0, depth: int = 0) -> None:
        """Set what each prefix of a bucket gives per second."""
        self._world.limits[bucket] = RateLimit(writes, reads, depth)

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


def described(one: StoredObject) -> Json:
    """Describe an object: its properties, and `content`, which is equal for equal bytes."""
    held = one.checksum
    return {
        "key": one.key,
        "size": one.content.size,
        "content": one.content.identity,
        "etag": one.etag,
        "modified": one.modified,
        "owner": one.owner,
        "version_id": one.version_id,
        "checksum": asdict(held) if held else None,
        "parts": list(one.part_sizes),
        **_properties_shown(one.properties),
    }


def _properties_shown(told: Properties) -> Json:
    return {
        "headers": dict(told.headers),
        "metadata": dict(told.metadata),
        "tags": dict(told.tags),
        "storage_class": told.storage_class,
        "acl": told.acl,
        "encryption": asdict(told.encryption),
        "lock": asdict(told.lock),
        "redirect": told.redirect,
    }


def _differences(
    first: dict[str, StoredObject], second: dict[str, StoredObject], ignoring: frozenset[str]
) -> Iterator[Json]:
    for key in sorted(first.keys() | second.keys()):
        one, two = first.get(key), second.get(key)
        if one is None or two is None:
            yield {"key": key, "field": "extra" if one is None else "missing", "first": None, "second": None}
        else:
            yield from _unequal(key, one, two, ignoring)


def _unequal(key: str, one: StoredObject, two: StoredObject, ignoring: frozenset[str]) -> Iterator[Json]:
    if one.content is not two.content and one.content.identity != two.content.identity:
        yield {"key": key, "field": "content", "first": one.content.identity, "second": two.content.identity}
    if one.properties == two.properties:
        return
    shown, other = _properties_shown(one.properties), _properties_shown(two.properties)
    for name in shown.keys() - ignoring:
        if shown[name] != other[name]:
            yield {"key": key, "field": name, "first": shown[name], "second": other[name]}


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
    wanted = frozenset(names)
    if wanted - QUIRKS.keys():
        raise ValueError(f"no such quirk: {', '.join(sorted(wanted - QUIRKS.keys()))}")
    return wanted


def _properties(bucket: Bucket, told: Json) -> Properties:
    """Return properties as JSON tells them: mappings for pairs, `kms_key` for the encryption."""
    made = dict(told)
    for name in ("headers", "metadata", "tags"):
        if name in made:
            made[name] = _pairs(made[name])
    if made.get("headers") is not None and "content-type" not in dict(made["headers"]):
        made["headers"] = (*made["headers"], *PLAIN.headers)
    key = made.pop("kms_key", bucket.default_kms_key)
    if key:
        made["encryption"] = Encryption("aws:kms", key)
    if "lock" in made:
        made["lock"] = Lock(**made["lock"])
    return replace(PLAIN, **made)


def _pairs(mapping: dict[str, str]) -> Pairs:
    return tuple(mapping.items())


def _large_etag(content: Content, encryption: Encryption) -> str:
    """Return the ETag of a large object as if uploaded in parts, "" for a small one (its MD5 will do)."""
    if content.size <= EXACT_LIMIT or encryption.kms_key:
        return ""
    part = max(_PART, -(-content.size // 10_000))
    digest = hashlib.md5(content.identity.encode(), usedforsecurity=False)
    return f"{digest.hexdigest()}-{-(-content.size // part)}"
