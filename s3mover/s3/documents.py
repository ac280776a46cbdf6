"""Responses of S3: success or error, the error's code, and whether it is temporary.

Pure, except for reading a response's body. Sources: Amazon S3 API Reference, "Error responses" (codes, and the body
of an error), and the pages of CopyObject, UploadPartCopy and CompleteMultipartUpload, which may respond with 200 and an
error in the body, after white space that kept the connection alive.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from xml.etree.ElementTree import Element

from s3mover.errors import S3Error
from s3mover.s3 import xml
from s3mover.s3.regions import region_of_host
from s3mover.s3.response import Response
from s3mover.s3.throttle import THROTTLING_CODES
from s3mover.s3.values import short

# The longest document is a page of 1,000 keys of 1,024 bytes, each byte percent-encoded: 4 MiB. Others are small.
MAX_PAGE = 8 * 1024 * 1024
MAX_DOCUMENT = 64 * 1024
_CODE = re.compile("[A-Za-z0-9._-]{1,64}")  # a code becomes a label of a metric

# Children of which each document has at least one, and no other kind has.
_MARKS = {
    "ListBucketResult": frozenset({"Contents", "KeyCount"}),
    "ListPartsResult": frozenset({"Part", "PartNumberMarker"}),
    "ListMultipartUploadsResult": frozenset({"Upload", "UploadIdMarker", "MaxUploads"}),
    "InitiateMultipartUploadResult": frozenset({"UploadId"}),
    "CompleteMultipartUploadResult": frozenset({"ETag"}),
    "CopyObjectResult": frozenset({"ETag"}),
    "CopyPartResult": frozenset({"ETag"}),
    "DeleteResult": frozenset({"Deleted"}),
    "Tagging": frozenset({"TagSet"}),
    "ObjectLockConfiguration": frozenset({"ObjectLockEnabled"}),
    "WebsiteConfiguration": frozenset({"IndexDocument", "RedirectAllRequestsTo"}),
}

_SUCCESSES = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
TEMPORARY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
TEMPORARY_CODES = THROTTLING_CODES | {
    "BadDigest",
    "BadRequest",  # the status of a refused HEAD, which may mean RequestTimeout or ExpiredToken
    "ConditionalRequestConflict",
    "ExpiredToken",  # credentials are refreshed before the next attempt
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "XAmzContentSHA256Mismatch",
}

# Codes for responses without an error document (HEAD, most proxies), where S3's code is not HTTP's own phrase.
CODES = {
    301: "PermanentRedirect",
    307: "TemporaryRedirect",
    403: "AccessDenied",
    408: "RequestTimeout",
    409: "OperationAborted",
    416: "InvalidRange",
    500: "InternalError",
}


def is_success(response: Response) -> bool:
    """Return whether the status means success."""
    return response.status in _SUCCESSES


def error_from(response: Response) -> S3Error:
    """Return the error of a response whose status is not a success; its body may be unreadable."""
    try:
        root = xml.parse(response.read_all(MAX_DOCUMENT))
    except S3Error:
        root = Element("Error")
    return _error(root, response.status, response.headers)


def read_document(response: Response, name: str) -> Element:
    """Parse the body of a 200, whose root should be `name`.

    Raises:
        S3Error: the error in the body, if there is one; `InvalidResponse` where the body is not a document;
            `NotImplemented` for a document of another kind, as from stores that do not know the operation.
    """
    root = xml.parse(response.read_all(MAX_DOCUMENT))
    return root if root.tag == name else require_kind(root, name, response)


def read_page(response: Response, name: str) -> Element:
    """Parse the body of a 200 that lists up to 1,000 entries; for errors, see `read_document`."""
    root = xml.parse(response.read_all(MAX_PAGE), max_tags=xml.MAX_TAGS_OF_PAGE)
    return require_kind(root, name, response)


def require_kind(root: Element, name: str, response: Response) -> Element:
    """Return `root` if it is a document called `name`; for errors, see `read_document`.

    Some stores call a document otherwise (after the operation, or in words of their own): what it contains decides.
    """
    if root.tag == name:
        return root
    if root.tag == "Error":
        raise _error(root, response.status, response.headers)
    marks = _MARKS.get(name, frozenset())
    if root.tag in _MARKS or marks.isdisjoint(child.tag for child in root):
        stated = short(root.tag)
        raise S3Error("NotImplemented", f"the response is {stated}, expected {name}", status=response.status)
    return root


def discard_body(response: Response) -> None:
    """Read a body that says nothing to its end, so that the connection can be kept."""
    response.read_all(MAX_DOCUMENT)


def _error(root: Element, status: int, headers: Mapping[str, str]) -> S3Error:
    stated = xml.text(root, "Code")
    code = stated if _CODE.fullmatch(stated) else _code_of(status)
    # `client.py` removes secrets from the texts before it cuts them.
    message = " ".join(xml.text(root, "Message").split())
    return S3Error(
        code,
        message,
        status=status,
        request_id=xml.text(root, "RequestId") or headers.get("x-amz-request-id", ""),
        host_id=xml.text(root, "HostId") or headers.get("x-amz-id-2", ""),
        region=_region(root, headers),
        temporary=code in TEMPORARY_CODES or status in TEMPORARY_STATUSES,
    )


def _region(root: Element, headers: Mapping[str, str]) -> str:
    """Return the region that a response names, empty where it names none. It is signed, hence the check."""
    stated = headers.get("x-amz-bucket-region", "") or xml.text(root, "Region")
    return stated if _CODE.fullmatch(stated) else region_of_host(xml.text(root, "Endpoint"))


def _code_of(status: int) -> str:
    if status in CODES:
        return CODES[status]
    try:
        return HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        return f"Status{status}"
