"""What the operations on a bucket return: frozen records, no behaviour."""

from typing import NamedTuple

from s3mover.model import ObjectPage


class Page(NamedTuple):
    """One page of a listing; `next_token` is empty on the last."""

    entries: ObjectPage
    next_token: str


class Head(NamedTuple):
    """What S3 says of one object: the result of HeadObject and GetObject.

    `size` is the whole object's in bytes (-1 where a store does not say); `etag` is without its quotes;
    `last_modified` is an HTTP date. `headers` are all of the response's: names in lower case, values the bytes
    read as latin-1, so that they can be sent again unchanged.
    """

    size: int
    etag: str
    last_modified: str
    headers: dict[str, str]


class Stored(NamedTuple):
    """What S3 says of an object or a part just written; `etag` is without its quotes."""

    etag: str
    headers: dict[str, str]


class ListedUpload(NamedTuple):
    """A multipart upload in progress, as listed; `initiated` is S3's ISO 8601 text."""

    key: str
    upload_id: str
    initiated: str


class UploadedPart(NamedTuple):
    """One part of a multipart upload; `etag` is without its quotes."""

    number: int
    etag: str
    size: int
