"""Deleting: one object or version, or up to 1,000 in one request (S3 API: DeleteObject, DeleteObjects)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from simulator.access import may_object, object_arn, require_object
from simulator.call import Call
from simulator.conditions import check_etag, failed
from simulator.operations.lookup import check_key
from simulator.refusals import Refusal
from simulator.store import StoredObject
from simulator.wire import Reply
from simulator.xml import Node, document, element, parse

_MAX_KEYS = 1000


@dataclass(frozen=True, slots=True)
class _Deletion:
    """One object to be deleted, under its conditions."""

    key: str
    version_id: str | None
    etag: str | None
    size: str | None = None


def _action(version_id: str | None) -> str:
    return "s3:DeleteObject" if version_id is None else "s3:DeleteObjectVersion"


def permit_delete(call: Call) -> None:
    """Require the permission to delete the object, or the version of it."""
    require_object(call, _action(call.query("versionId")), call.bucket, call.key)


def delete_object(call: Call) -> Reply:
    """Delete one object, or one version for good."""
    deletion = _Deletion(call.key, call.query("versionId"), call.header("if-match"))
    gone = _delete(call, deletion)
    headers = []
    if gone and gone.marker:
        headers.append(("x-amz-delete-marker", "true"))
    if gone and call.bucket.versioning and not call.quirk("no_version_id"):
        headers.append(("x-amz-version-id", gone.version_id))
    return Reply(204, headers)


def _delete(call: Call, deletion: _Deletion) -> StoredObject | None:
    """Do it; return the marker that was set or the version that was removed."""
    bucket = call.bucket
    there = (
        bucket.get(deletion.key)
        if deletion.version_id is None
        else bucket.version(deletion.key, deletion.version_id)
    )
    if not call.quirk("ignores_delete_conditions"):
        _check(deletion, call, there)
    if deletion.version_id is None:
        return bucket.delete(deletion.key, call.principal.account, call.now)
    if there and _is_locked(call, there):
        raise Refusal("AccessDenied", "Access Denied because object protected by object lock.")
    return bucket.delete_version(deletion.key, deletion.version_id)


def _check(deletion: _Deletion, call: Call, there: StoredObject | None) -> None:
    if deletion.etag is not None and (there is not None or not call.quirk("absent_delete_succeeds")):
        check_etag(call, deletion.etag, there)
    if deletion.size is not None and there is not None and str(there.content.size) != deletion.size:
        raise failed("Size")


def _is_locked(call: Call, there: StoredObject) -> bool:
    lock = there.properties.lock
    until = datetime.fromisoformat(lock.until) if lock.until else None
    held = until is not None and until > datetime.fromtimestamp(call.now, UTC)
    return lock.legal_hold or held


def delete_objects(call: Call) -> Reply:
    """Delete many; each is permitted, judged and answered for itself."""
    body = call.body()
    if not (body.checksum or call.header("content-md5")):
        raise Refusal(
            "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        )
    root = parse(b"".join(body.content.chunks()), "Delete")
    nodes = root.all("Object")
    if not 1 <= len(nodes) <= _MAX_KEYS:
        raise Refusal("MalformedXML")
    deletions = [_deletion(node) for node in nodes]
    quiet = (root.find("Quiet") or "").strip() == "true"
    return Reply(
        200, [], document("DeleteResult", "".join(_answered(call, one, quiet=quiet) for one in deletions))
    )


def _deletion(node: Node) -> _Deletion:
    key = node.find("Key")
    if not key:
        raise Refusal("MalformedXML")
    return _Deletion(key, node.find("VersionId") or None, node.find("ETag"), node.find("Size"))


def _answered(call: Call, deletion: _Deletion, *, quiet: bool) -> str:
    try:
        gone = _delete_permitted(call, deletion)
    except Refusal as refusal:
        return (
            f"<Error>{element('Key', deletion.key)}{element('VersionId', deletion.version_id)}"
            f"{element('Code', refusal.code)}{element('Message', refusal.message)}</Error>"
        )
    if quiet:
        return ""
    shown = element("Key", deletion.key) + element("VersionId", deletion.version_id)
    if gone and gone.marker:
        shown += element("DeleteMarker", "true") + element("DeleteMarkerVersionId", gone.version_id)
    return f"<Deleted>{shown}</Deleted>"


def _delete_permitted(call: Call, deletion: _Deletion) -> StoredObject | None:
    check_key(deletion.key)
    action = _action(deletion.version_id)
    if not may_object(call, action, call.bucket, deletion.key):
        raise Refusal("AccessDenied", detail=f"{action} on {object_arn(call.bucket, deletion.key)}")
    if call.quirk("ignores_batch_delete_etags"):
        deletion = replace(deletion, etag=None)
    return _delete(call, deletion)
