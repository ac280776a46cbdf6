"""Finds the object that a request is about: current or by version, or the refusal that S3 gives instead."""

import re

from simulator.access import may_bucket, may_object, require_object
from simulator.call import Call, invalid_argument
from simulator.refusals import Refusal
from simulator.store import Bucket, StoredObject

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def find(call: Call, bucket: Bucket, key: str, version_id: str | None) -> StoredObject:
    """Return an object that can be read or shown.

    Raises:
        Refusal: NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker named by its version), AccessDenied
            where something is missing and the caller may not list the bucket.
    """
    if version_id is None:
        found = bucket.get(key)
        if found is None:
            raise _missing(call, bucket, key)
        return found
    found = bucket.version(key, version_id)
    if found is None:
        raise Refusal("NoSuchVersion", elements=(("Key", key), ("VersionId", version_id)))
    if found.marker:
        raise Refusal("MethodNotAllowed", headers=(("x-amz-delete-marker", "true"),))
    return found


def _missing(call: Call, bucket: Bucket, key: str) -> Refusal:
    if not may_bucket(call, "s3:ListBucket", bucket):
        return Refusal("AccessDenied", detail=f"s3:ListBucket on arn:aws:s3:::{bucket.name} (missing key)")
    newest = bucket.newest(key)
    headers = (("x-amz-delete-marker", "true"), ("x-amz-version-id", newest.version_id)) if newest else ()
    return Refusal("NoSuchKey", elements=(("Key", key),), headers=headers)


def require_read(call: Call, bucket: Bucket, key: str, version_id: str | None) -> None:
    """Raise a refusal for a caller that may not read the object, or the version of it."""
    action = "s3:GetObject" if version_id is None else "s3:GetObjectVersion"
    require_object(call, action, bucket, key)


def require_owned_read(call: Call, bucket: Bucket, found: StoredObject, version_id: str | None) -> None:
    """Raise a refusal for a caller whom the bucket lets read, but the object's own owner does not."""
    action = "s3:GetObject" if version_id is None else "s3:GetObjectVersion"
    if found.owner != bucket.owner and not may_object(call, action, bucket, found.key, found):
        raise Refusal("AccessDenied", detail=f"{action}: the object belongs to account {found.owner}")


def byte_range(text: str, size: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a Range header, None for one that is to be ignored.

    Raises:
        Refusal: InvalidRange.
    """
    found = _RANGE.fullmatch(text)
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or (not first and int(last) == 0):
        elements = (("RangeRequested", text), ("ActualObjectSize", str(size)))
        raise Refusal("InvalidRange", elements=elements, headers=(("Content-Range", f"bytes */{size}"),))
    return start, end


def part_range(call: Call, found: StoredObject) -> tuple[int, int]:
    """Return start and end (exclusive) of the part that `partNumber` names."""
    number = call.number("partNumber", 1)
    sizes = found.part_sizes or (found.content.size,)
    if not 1 <= number <= len(sizes):
        raise Refusal("InvalidPartNumber", "The requested partnumber is not satisfiable", status=416)
    start = sum(sizes[: number - 1])
    return start, start + sizes[number - 1]


def check_key(key: str) -> None:
    """Raise a refusal for keys that S3 refuses (S3 User Guide: "Naming Amazon S3 objects")."""
    if len(key.encode()) > 1024:
        elements = (("Size", str(len(key.encode()))), ("MaxSizeAllowed", "1024"))
        raise Refusal("KeyTooLongError", elements=elements)
    if "\x00" in key:
        raise invalid_argument("Object key cannot contain NUL", "key", key)
