"""The operations on multipart uploads, typed; `Bucket` has them among its own.

Source: Amazon S3 API Reference, the page of each operation.
"""

from collections.abc import Iterator, Mapping, Sequence

from s3mover.s3 import xml
from s3mover.s3.documents import document, no_document
from s3mover.s3.body import etag_of
from s3mover.s3.client import Client, Request
from s3mover.s3.headers import copy_source, said
from s3mover.s3.pages import Query, parts_page, uploads_page
from s3mover.s3.paging import Pager
from s3mover.s3.payload import Outgoing, Read, Trailer
from s3mover.s3.records import Stored, Upload, UploadedPart
from s3mover.s3.response import Response, invalid


class Multipart:
    """The multipart uploads of one bucket.

    `expected_source_owner` must own the bucket that parts are copied from, empty for any.
    """

    def __init__(self, client: Client, pager: Pager, expected_source_owner: str) -> None:
        self._client = client
        self._pager = pager
        self._expected_source_owner = expected_source_owner

    def create_upload(self, key: str, headers: Mapping[str, str]) -> str:
        """Begin a multipart upload and return its id."""
        request = Request("CreateMultipartUpload", "POST", key, (("uploads", ""),), headers)
        return self._client.perform(request, _upload_id)

    def upload_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        read: Read,
        length: int,
        trailer: Trailer | None = None,
        *,
        chunks: bool = False,
    ) -> Stored:
        """Write one part of `length` bytes; `read`, `trailer` and `chunks` as for `put`."""
        content = Outgoing(read, length, trailer, chunks)
        request = Request("UploadPart", "PUT", key, _part(upload_id, number), content=content)
        return self._client.perform(request, _stored_part)

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
        """Let S3 copy the bytes from `first` to `last` (both included) as one part; return its ETag."""
        headers = {
            **(headers or {}),
            **copy_source(source_bucket, source_key, if_match, self._expected_source_owner),
            "x-amz-copy-source-range": f"bytes={first}-{last}",
        }
        request = Request("UploadPartCopy", "PUT", key, _part(upload_id, number), headers)
        return self._client.perform(request, _copied_part)

    def complete_upload(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]], headers: Mapping[str, str]
    ) -> Stored:
        """Make an object of the parts, given as numbers and ETags in ascending order."""
        query = (("uploadId", upload_id),)
        request = Request("CompleteMultipartUpload", "POST", key, query, headers, xml.completion(parts))
        return self._client.perform(request, _completed)

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Give a multipart upload up and free what its parts take."""
        request = Request("AbortMultipartUpload", "DELETE", key, (("uploadId", upload_id),))
        self._client.perform(request, no_document)

    def list_parts(self, key: str, upload_id: str) -> Iterator[UploadedPart]:
        """Yield the parts of a multipart upload that have arrived, by number."""
        request = Request("ListParts", "GET", key, (("uploadId", upload_id),))
        for parts in self._pager.pages(request, parts_page):
            yield from parts

    def list_uploads(self, prefix: str) -> Iterator[Upload]:
        """Yield the unfinished multipart uploads of keys that begin with `prefix`, by key."""
        query = (("uploads", ""), ("encoding-type", "url"), *said({"prefix": prefix}).items())
        for uploads in self._pager.pages(Request("ListMultipartUploads", "GET", query=query), uploads_page):
            yield from uploads


def stored(response: Response) -> Stored:
    """Read the answer to a write whose body says nothing."""
    no_document(response)
    return Stored(etag_of(response.headers), response.headers)


def _part(upload_id: str, number: int) -> Query:
    return ("partNumber", str(number)), ("uploadId", upload_id)


def _copied_part(response: Response) -> str:
    return xml.stored_etag(document(response, "CopyPartResult"))


def _completed(response: Response) -> Stored:
    return Stored(xml.stored_etag(document(response, "CompleteMultipartUploadResult")), response.headers)


def _upload_id(response: Response) -> str:
    return xml.upload_id(document(response, "InitiateMultipartUploadResult"))


def _stored_part(response: Response) -> Stored:
    part = stored(response)
    if not part.etag:
        raise invalid("the store gives a part no ETag")
    return part
