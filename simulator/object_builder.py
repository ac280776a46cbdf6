"""Builds stored objects from their description in JSON, without a request."""

import base64
import hashlib
from dataclasses import replace
from typing import Any

from simulator.content import EXACT_LIMIT, Content
from simulator.store import PLAIN, Bucket, Encryption, Lock, Pairs, Properties, StoredObject
from simulator.virtual import stretch_of

Json = dict[str, Any]
_PART = 8 * 1024 * 1024
"""Part size in bytes that the ETags of large objects are computed for."""


def build_object(bucket: Bucket, description: Json, now: float) -> StoredObject:
    """Build an object as `Simulator.put_objects` describes it."""
    fields = dict(description)
    key, body = fields.pop("key"), fields.pop("body", None)
    seed, size = fields.pop("seed", 1), fields.pop("size", 0)
    age, owner = fields.pop("age", 0), fields.pop("owner", None) or bucket.owner
    asleep = fields.pop("asleep", False)
    content = virtual(seed, size) if body is None else Content((base64.b64decode(body),))
    properties = properties_from(bucket, fields)
    etag = large_etag(content, properties)
    return StoredObject(key, content, properties, owner, int(now - age), etag, asleep=asleep)


def virtual(seed: int, size: int) -> Content:
    """Return virtual content."""
    return Content((stretch_of(seed, size),))


def properties_from(bucket: Bucket, fields: Json) -> Properties:
    """Return properties from JSON: mappings for pairs, `kms_key` for the encryption."""
    made = dict(fields)
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


def large_etag(content: Content, properties: Properties) -> str:
    """Return the ETag of a large object as if uploaded in parts, "" for a small one (its MD5 will do)."""
    if content.size <= EXACT_LIMIT or properties.encryption.kms_key:
        return ""
    part = max(_PART, -(-content.size // 10_000))
    digest = hashlib.md5(content.identity.encode(), usedforsecurity=False)
    return f"{digest.hexdigest()}-{-(-content.size // part)}"
