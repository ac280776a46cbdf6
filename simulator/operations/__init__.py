"""The table of operations: how a request is recognised, what it needs, and which function handles it.

The other modules hold the handlers, one subject each.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulator.call import Call
from simulator.operations import (
    buckets,
    copying,
    deleting,
    listing,
    multipart,
    objects,
    parts,
    tagging,
)
from simulator.refusals import Refusal
from simulator.wire import Reply, Request


class Operation(NamedTuple):
    """One operation: `permit` checks permissions before the body is read; `act` executes it afterwards.

    `writes` says whether it counts against a prefix's write rate or read rate.
    """

    name: str
    permit: Callable[[Call], None]
    act: Callable[[Call], Reply]
    writes: bool = False


def _nothing(call: Call) -> None:
    """Check nothing: the permissions depend on what the body names."""


_ALL = (
    Operation("HeadBucket", listing.permit_list, buckets.head_bucket),
    Operation("GetBucketLocation", buckets.permit_location, buckets.get_bucket_location),
    Operation("GetBucketVersioning", buckets.permit_versioning, buckets.get_bucket_versioning),
    Operation(
        "GetObjectLockConfiguration", buckets.permit_object_lock, buckets.get_object_lock_configuration
    ),
    Operation("GetBucketWebsite", buckets.permit_website, buckets.get_bucket_website),
    Operation("ListObjectsV2", listing.permit_list, listing.list_objects_v2),
    Operation("ListObjectVersions", listing.permit_list_versions, listing.list_object_versions),
    Operation("ListMultipartUploads", multipart.permit_list_uploads, multipart.list_multipart_uploads),
    Operation("DeleteObjects", _nothing, deleting.delete_objects, writes=True),
    Operation("HeadObject", objects.permit_read, objects.head_object),
    Operation("GetObject", objects.permit_read, objects.get_object),
    Operation("GetObjectAttributes", objects.permit_attributes, objects.get_object_attributes),
    Operation("GetObjectTagging", tagging.permit_get_tagging, tagging.get_object_tagging),
    Operation("ListParts", multipart.permit_list_parts, multipart.list_parts),
    Operation("PutObject", objects.permit_write, objects.put_object, writes=True),
    Operation("CopyObject", copying.permit_copy, copying.copy_object, writes=True),
    Operation("UploadPart", objects.permit_write, parts.upload_part, writes=True),
    Operation("UploadPartCopy", copying.permit_copy, parts.upload_part_copy, writes=True),
    Operation("PutObjectTagging", tagging.permit_put_tagging, tagging.put_object_tagging, writes=True),
    Operation("RestoreObject", objects.permit_restore, objects.restore_object, writes=True),
    Operation("CreateMultipartUpload", objects.permit_write, multipart.create_multipart_upload, writes=True),
    Operation(
        "CompleteMultipartUpload", multipart.permit_complete, multipart.complete_multipart_upload, writes=True
    ),
    Operation("AbortMultipartUpload", multipart.permit_abort, multipart.abort_multipart_upload, writes=True),
    Operation(
        "DeleteObjectTagging", tagging.permit_delete_tagging, tagging.delete_object_tagging, writes=True
    ),
    Operation("DeleteObject", deleting.permit_delete, deleting.delete_object, writes=True),
)
OPERATIONS = {operation.name: operation for operation in _ALL}

_SUBRESOURCES = frozenset({
    "acl", "accelerate", "analytics", "annotation", "attributes", "cors", "delete", "encryption",
    "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "location", "logging", "metrics", "notification",
    "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "replication",
    "requestPayment", "restore", "retention", "select", "tagging", "torrent", "uploadId", "uploads", "versioning",
    "versions", "website",
})  # fmt: skip
_BUCKET = {
    ("HEAD", ""): "HeadBucket",
    ("GET", ""): "ListObjectsV2",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "object-lock"): "GetObjectLockConfiguration",
    ("GET", "website"): "GetBucketWebsite",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "uploads"): "ListMultipartUploads",
    ("POST", "delete"): "DeleteObjects",
}
_OBJECT = {
    ("HEAD", ""): "HeadObject",
    ("GET", ""): "GetObject",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "uploadId"): "ListParts",
    ("PUT", ""): "PutObject",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "restore"): "RestoreObject",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", ""): "DeleteObject",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_MODERN = ("object-lock", "website")
"""Sub-resources that other stores may not know."""
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}


def recognise(request: Request, key: str, quirks: frozenset[str]) -> str:
    """Return the operation's name.

    Raises:
        Refusal: NotImplemented for what the simulator does not know, MethodNotAllowed.
    """
    name = _name(request.method, request.query, key, quirks)
    if "x-amz-copy-source" in request.headers:
        return _COPIES.get(name, name)
    return name


def _name(method: str, query: Mapping[str, str], key: str, quirks: frozenset[str]) -> str:
    named = [one for one in query if one in _SUBRESOURCES] if query else []
    subresource = named[0] if named else ""
    table = _OBJECT if key else _BUCKET
    unknown = (method, subresource) not in table or subresource in _MODERN
    if not key and method == "GET" and unknown and "unknown_subresource_lists" in quirks:
        return "ListObjectsV2"
    if (method, subresource) in table and not (subresource in _MODERN and "no_bucket_settings" in quirks):
        return table[method, subresource]
    if subresource:
        raise Refusal("NotImplemented", f"The simulator does not know {method} with ?{subresource}")
    raise Refusal("MethodNotAllowed")
