"""Buckets: versions of objects, multipart uploads, and the order of keys.

No permissions and no HTTP here.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from simulator.content import EMPTY, Content
from simulator.key_order import KeyOrder
from simulator.policy import Document, Policy

Pairs = tuple[tuple[str, str], ...]
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
NULL = "null"
"""The version id of what was written while versioning was off."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """Server-side encryption: `AES256`, or `aws:kms` with the ARN of a key."""

    algorithm: str = "AES256"
    kms_key: str = ""


@dataclass(frozen=True, slots=True)
class Checksum:
    """One checksum in base64; `type` is FULL_OBJECT or COMPOSITE (`value` then ends with `-PARTS`)."""

    algorithm: str
    value: str
    type: str = "FULL_OBJECT"


@dataclass(frozen=True, slots=True)
class Lock:
    """Object Lock: mode and date ("" where there is none), and whether a legal hold is on."""

    mode: str = ""
    until: str = ""
    legal_hold: bool = False


@dataclass(frozen=True, slots=True)
class Properties:
    """Everything that a writer sets on an object, apart from its bytes.

    `headers` are the content headers (names in lower case), `metadata` the user's (without `x-amz-meta-`).
    """

    headers: Pairs = (("content-type", "binary/octet-stream"),)
    metadata: Pairs = ()
    tags: Pairs = ()
    storage_class: str = "STANDARD"
    acl: str = "private"
    encryption: Encryption = Encryption()
    lock: Lock = Lock()
    redirect: str = ""


PLAIN = Properties()


@dataclass(slots=True)
class StoredObject:
    """One version of one object, or a delete marker. `modified` is in whole seconds since the epoch."""

    key: str
    content: Content
    properties: Properties
    owner: str
    modified: int
    etag: str = ""
    checksum: Checksum | None = None
    part_sizes: tuple[int, ...] = ()
    version_id: str = NULL
    marker: bool = False
    restored: bool = False
    asleep: bool = False  # in an archive tier of INTELLIGENT_TIERING

    def __post_init__(self) -> None:
        """Set the plain ETag: the MD5, unless a KMS key makes it something else."""
        if not self.etag and not self.marker:
            self.etag = plain_etag(self.content, self.properties.encryption)

    @property
    def archived(self) -> bool:
        """Whether the bytes can't be read without a restore."""
        return self.asleep or (self.properties.storage_class in ARCHIVED and not self.restored)

    def stored_checksum(self) -> Checksum:
        """Return the checksum that S3 holds: the writer's, or else the CRC64NVME of the whole object."""
        if self.checksum is None:
            self.checksum = Checksum("CRC64NVME", self.content.checksum("CRC64NVME"))
        return self.checksum

    def retag(self, tags: Pairs) -> None:
        """Replace the tags."""
        self.properties = replace(self.properties, tags=tags)


def plain_etag(content: Content, encryption: Encryption) -> str:
    """Return the ETag of an object written in one piece (S3 API: Object, ETag)."""
    if encryption.algorithm == "AES256":
        return content.md5
    return hashlib.md5(secrets.token_bytes(16), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Part:
    """One uploaded part."""

    number: int
    content: Content
    etag: str
    modified: int
    checksum: Checksum | None = None


@dataclass(slots=True)
class Upload:
    """One multipart upload in progress; `algorithm` is "" where the client chose no checksum."""

    id: str
    key: str
    properties: Properties
    owner: str
    initiator: str
    started: int
    algorithm: str = ""
    checksum_type: str = ""
    parts: dict[int, Part] = field(default_factory=dict)


class Bucket:
    """One bucket.

    `versioning` is "", `Enabled` or `Suspended`; `ownership` is `BucketOwnerEnforced`, `BucketOwnerPreferred` or
    `ObjectWriter`; `quirks` are names of `faults.QUIRKS`.
    """

    def __init__(self, name: str, owner: str, region: str) -> None:
        self.name = name
        self.owner = owner
        self.region = region
        self.versioning = ""
        self.ownership = "BucketOwnerEnforced"
        self.default_kms_key = ""
        self.object_lock = False
        self.website = False
        self.requester_pays = False
        self.policy = Policy({"Statement": []})
        self.quirks: frozenset[str] = frozenset()
        self.uploads: dict[str, Upload] = {}
        self.order = KeyOrder()
        self._current: dict[str, StoredObject] = {}
        self._versions: dict[str, list[StoredObject]] = {}

    def set_policy(self, document: Document | None) -> None:
        """Replace the bucket's policy; None removes it."""
        self.policy = Policy(document or {"Statement": []})

    def __len__(self) -> int:
        return len(self._current)

    def get(self, key: str) -> StoredObject | None:
        """Return the current version, if there is one and it is not a delete marker."""
        return self._current.get(key)

    def newest(self, key: str) -> StoredObject | None:
        """Return the newest version, which may be a delete marker."""
        versions = self._versions.get(key)
        return versions[0] if versions else self._current.get(key)

    def version(self, key: str, version_id: str) -> StoredObject | None:
        """Return one version."""
        return next((one for one in self.versions(key) if one.version_id == version_id), None)

    def versions(self, key: str) -> list[StoredObject]:
        """Return a key's versions, newest first."""
        current = self._current.get(key)
        return self._versions.get(key) or ([current] if current else [])

    def versioned_keys(self) -> list[str]:
        """Return every key that has any version, in order."""
        return sorted(self._versions.keys() | self._current.keys())

    def objects(self) -> Iterator[StoredObject]:
        """Yield the current objects in order."""
        return (self._current[key] for key in self.order.after("", inclusive=True))

    def put(self, made: StoredObject) -> None:
        """Make an object the current one."""
        key = made.key
        if self.versioning:
            self._stack(made)
        if key not in self._current:
            self.order.add(key)
        self._current[key] = made

    def delete(self, key: str, owner: str, now: int) -> StoredObject | None:
        """Delete as a client without a version id does; return the marker where the bucket is versioned."""
        if key in self._current:
            self.order.remove(key)
        if not self.versioning:
            self._current.pop(key, None)
            return None
        marker = StoredObject(key, EMPTY, PLAIN, owner, now, marker=True)
        self._stack(marker)
        self._current.pop(key, None)
        return marker

    def delete_version(self, key: str, version_id: str) -> StoredObject | None:
        """Remove one version for good and return it; the one before becomes the newest."""
        gone = self.version(key, version_id)
        if gone is None:
            return None
        rest = [one for one in self.versions(key) if one is not gone]
        if rest:
            self._versions[key] = rest
        else:
            self._versions.pop(key, None)
        self._show(key, rest[0] if rest and not rest[0].marker else None)
        return gone

    def _stack(self, made: StoredObject) -> None:
        made.version_id = new_id() if self.versioning == "Enabled" else NULL
        kept = [one for one in self.versions(made.key) if one.version_id != made.version_id]
        self._versions[made.key] = [made, *kept]

    def _show(self, key: str, current: StoredObject | None) -> None:
        if current is None:
            if self._current.pop(key, None):
                self.order.remove(key)
            return
        if key not in self._current:
            self.order.add(key)
        self._current[key] = current


def new_id() -> str:
    """Return a version id or upload id."""
    return secrets.token_urlsafe(24).replace("-", "_")
