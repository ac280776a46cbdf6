"""The operations on multipart uploads, typed; `Bucket` inherits them.

Source: Amazon S3 API Reference, the page of each operation.
"""

from collections.abc import Iterator, Mapping, Sequence

from s3mover.s3 import xml, xml_requests
from s3mover.s3.body import etag_of
from s3mover.s3.client import Client, Request
from s3mover.s3.documents import discard_body, read_document
from s3mover.s3.headers import copy_source, non_empty
from s3mover.s3.pages import Query, parts_page, uploads_page
from s3mover.s3.paging import Pager
from s3mover.s3.payload import Outgoing, ReadInto, Trailer
from s3mover.s3.protocol_errors import invalid_response
from s3mover.s3.records import ListedUpload, Stored, UploadedPart
from s3mover.s3.response import Response


class MultipartOperations:
    """Operations on the multipart uploads of one bucket.

    `expected_source_owner` is the account that must own the bucket that parts are copied from, empty for any.
    """

    def __init__(self, client: Client, pager: Pager, expected_source_owner: str) -> None:
        self._client = client
        self._pager = pager
        self._expected_source_owner = expected_source_owner

    def create_upload(self, key: str, headers: Mapping[str, str]) -> str:
        """Begin a multipart upload and return its id."""
        request = Request("CreateMultipartUpload", "POST", key, (("uploads", ""),), headers)
        return self._client.perform(request, _read_upload_id)

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        read: ReadInto,
        length: int,
        trailer: Trailer | None = None,
        *,
        chunks: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Stored:
        """Write one part of `length` bytes; `read`, `trailer` and `chunks` as for `put`."""
        content = Outgoing(read, length, trailer, chunks)
        request = Request("UploadPart", "PUT", key, _part_query(upload_id, number), headers or {}, content)
        return self._client.perform(request, _read_stored_part)

    def copy_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        *,
        source_bucket: str,
        source_key: str,
        first: int,
        last: int,
        if_match: str,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Copy the bytes from `first` to `last` (both included) server-side as one part; return its ETag."""
        headers = {
            **(headers or {}),
            **copy_source(source_bucket, source_key, if_match, self._expected_source_owner),
            "x-amz-copy-source-range": f"bytes={first}-{last}",
        }
        request = Request("UploadPartCopy", "PUT", key, _part_query(upload_id, number), headers)
        return self._client.perform(request, _read_part_copy)

    def complete_upload(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]], headers: Mapping[str, str]
    ) -> Stored:
        """Complete an upload from its parts, given as numbers and ETags in ascending order."""
        query = (("uploadId", upload_id),)
        request = Request(
            "CompleteMultipartUpload", "POST", key, query, headers, xml_requests.complete_request(parts)
        )
        return self._client.perform(request, _read_completion)

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload, which frees its parts."""
        request = Request("AbortMultipartUpload", "DELETE", key, (("uploadId", upload_id),))
        self._client.perform(request, discard_body)

    def list_parts(self, key: str, upload_id: str) -> Iterator[UploadedPart]:
        """Yield the parts of a multipart upload that were written, by number."""
        request = Request("ListParts", "GET", key, (("uploadId", upload_id),))
        for parts in self._pager.pages(request, parts_page):
            yield from parts

    def list_uploads(self, prefix: str) -> Iterator[ListedUpload]:
        """Yield the unfinished multipart uploads of keys that begin with `prefix`, by key."""
        query = (("uploads", ""), ("encoding-type", "url"), *non_empty({"prefix": prefix}).items())
        for uploads in self._pager.pages(Request("ListMultipartUploads", "GET", query=query), uploads_page):
            yield from uploads


def read_stored(response: Response) -> Stored:
    """Read the response to a write, whose body says nothing."""
    discard_body(response)
    return Stored(etag_of(response.headers), response.headers)


def _part_query(upload_id: str, number: int) -> Query:
    return ("partNumber", str(number)), ("uploadId", upload_id)


def _read_part_copy(response: Response) -> str:
    return xml.parse_etag(read_document(response, "CopyPartResult"))


def _read_completion(response: Response) -> Stored:
    return Stored(xml.parse_etag(read_document(response, "CompleteMultipartUploadResult")), response.headers)


def _read_upload_id(response: Response) -> str:
    return xml.parse_upload_id(read_document(response, "InitiateMultipartUploadResult"))


def _read_stored_part(response: Response) -> Stored:
    part = read_stored(response)
    if not part.etag:
        raise invalid_response("the store returned no ETag for a part")
    return part
