"""Verdicts: whether an answer is a success, and if not, which error it is and whether trying again can help.

Pure, save for reading an answer's body. Sources: Amazon S3 API Reference, "Error responses" (codes, and the body
of an error), and the pages of CopyObject, UploadPartCopy and CompleteMultipartUpload, which may answer 200 with an
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

# The longest document is a page of 1,000 keys of 1,024 bytes, each byte percent-encoded: 4 MiB.
MAX_DOCUMENT = 16 * 1024 * 1024
MAX_MESSAGE = 500
_CODE = re.compile("[A-Za-z0-9._-]{1,64}")  # a code becomes a label of a metric: not just anything will do

_SUCCESSES = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
TEMPORARY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
TEMPORARY_CODES = THROTTLING_CODES | {
    "BadDigest",
    "BadRequest",  # all that a refused HEAD says of RequestTimeout and ExpiredToken
    "ConditionalRequestConflict",
    "ExpiredToken",  # credentials are refreshed meanwhile
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "RequestTimeout",
    "XAmzContentSHA256Mismatch",
}

# Codes for answers without a body (HEAD, most proxies) where S3's name is not HTTP's own phrase.
CODES = {
    301: "PermanentRedirect",
    307: "TemporaryRedirect",
    403: "AccessDenied",
    408: "RequestTimeout",
    409: "OperationAborted",
    416: "InvalidRange",
    500: "InternalError",
}


def succeeded(response: Response) -> bool:
    """Tell whether the status is one of success."""
    return response.status in _SUCCESSES


def refusal(response: Response) -> S3Error:
    """Make the error of an answer whose status says that it is one; what cannot be read is done without."""
    try:
        root = xml.parse(response.read_all(MAX_DOCUMENT), keys=False)
    except S3Error:
        root = Element("Error")
    return _error(root, response.status, response.headers)


def document(response: Response, name: str, *, keys: bool = False) -> Element:
    """Read the body of a 200, which must be a document called `name`; `keys` says whether keys are taken from it.

    Raises:
        S3Error: what the body says instead; `InvalidResponse` where it says nothing; `NotImplemented` where it is
            a document of another kind, as stores give that do not know the operation.
    """
    return judged(xml.parse(response.read_all(MAX_DOCUMENT), keys=keys), name, response)


def judged(root: Element, name: str, response: Response) -> Element:
    """Return `root` where it is called `name`; for errors, see `document`."""
    if root.tag == "Error":
        raise _error(root, response.status, response.headers)
    # Some servers name a document after the operation: ListPartsResponse for ListPartsResult.
    if root.tag not in (name, name.replace("Result", "Response")):
        raise S3Error("NotImplemented", f"the answer is {root.tag[:40]}, not {name}", status=response.status)
    return root


def no_document(response: Response) -> None:
    """Read an answer whose body says nothing."""
    response.read_all(MAX_DOCUMENT)


def _error(root: Element, status: int, headers: Mapping[str, str]) -> S3Error:
    said = xml.text(root, "Code")
    code = said if _CODE.fullmatch(said) else _code_of(status)
    message = " ".join(xml.text(root, "Message").split())
    return S3Error(
        code,
        message[:MAX_MESSAGE],
        status=status,
        request_id=xml.text(root, "RequestId") or headers.get("x-amz-request-id", ""),
        host_id=xml.text(root, "HostId") or headers.get("x-amz-id-2", ""),
        region=_region(root, headers),
        temporary=code in TEMPORARY_CODES or status in TEMPORARY_STATUSES,
    )


def _region(root: Element, headers: Mapping[str, str]) -> str:
    """Return the region that an answer names, empty where it names none; what is said is signed and sent again."""
    said = headers.get("x-amz-bucket-region", "") or xml.text(root, "Region")
    return said if _CODE.fullmatch(said) else region_of_host(xml.text(root, "Endpoint"))


def _code_of(status: int) -> str:
    if status in CODES:
        return CODES[status]
    try:
        return HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        return f"Status{status}"
