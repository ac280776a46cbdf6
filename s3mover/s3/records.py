"""What the operations on a bucket give back: frozen records, no behaviour."""

from typing import NamedTuple

from s3mover.model import ObjectPage


class Page(NamedTuple):
    """One page of a listing; `next_token` is empty on the last."""

    entries: ObjectPage
    next_token: str


class Head(NamedTuple):
    """What S3 says of one object.

    `size` is the whole object's in bytes (-1 where a store does not say); `etag` is without its quotes;
    `last_modified` is an HTTP date. `headers` are all of the answer's, in lower case, their values latin-1 of the
    bytes sent: what is sent back unchanged arrives unchanged.
    """

    size: int
    etag: str
    last_modified: str
    headers: dict[str, str]


class Stored(NamedTuple):
    """What S3 says of an object it has just stored; `etag` is without its quotes."""

    etag: str
    headers: dict[str, str]


class Upload(NamedTuple):
    """A multipart upload that was neither completed nor aborted; `initiated` is S3's own text, which sorts as time."""

    key: str
    upload_id: str
    initiated: str


class UploadedPart(NamedTuple):
    """One part of a multipart upload; `etag` is without its quotes."""

    number: int
    etag: str
    size: int
