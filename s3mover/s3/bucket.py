"""The operations on one bucket, typed: the request, and the record made of its response.

Those on multipart uploads are in `multipart.py`. `client.py` sends requests, `documents.py` reads errors. The caller
retries, except for pages of listings (`paging.py`).
Source: Amazon S3 API Reference, the page of each operation.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from hashlib import md5
from http import HTTPStatus
from itertools import starmap
from xml.etree.ElementTree import Element

from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials, ObjectPage
from s3mover.s3 import xml, xml_requests
from s3mover.s3.body import Body, checked_body, object_head
from s3mover.s3.client import Client, Request
from s3mover.s3.directory_walk import FolderPage, walk
from s3mover.s3.documents import discard_body, read_document, read_page
from s3mover.s3.headers import copy_source, etag_condition, non_empty
from s3mover.s3.listing_order import StoreOrder
from s3mover.s3.multipart import MultipartOperations, read_stored
from s3mover.s3.object_listing import ObjectListing
from s3mover.s3.pages import folder_page, objects_page
from s3mover.s3.paging import Pager
from s3mover.s3.payload import Outgoing, ReadInto, Trailer
from s3mover.s3.records import Head, Page, Stored
from s3mover.s3.response import UNKNOWN_LENGTH, Response
from s3mover.s3.throttle import THROTTLING_CODES, UNBOUNDED, Limiter
from s3mover.s3.wire import Timeouts

__all__ = ["Body", "Bucket", "Head", "Page", "Stored", "Timeouts"]

MAX_KEYS = 1000  # that S3 puts on one page
# Codes for a bucket without the setting, and of stores that do not know the operation.
NO_SUCH_SETTING = frozenset(
    {"NoSuchWebsiteConfiguration", "NotFound", "NotImplemented", "ObjectLockConfigurationNotFoundError"}
)
UNKNOWN_OPERATION = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
DEFAULT_TIMEOUTS = Timeouts()
NOTHING = ObjectPage([], [], [], [], [])
# Reads one page: of the keys with a prefix, after a key, at a token of the page before (each empty for none).
ListPage = Callable[[str, str, str], Page]


class Bucket(MultipartOperations):
    """One bucket with one set of credentials; threads may share it, and each has its own connections.

    Every operation may raise `S3Error`. ETags are given and taken without quotes, headers in lower case.

    Args:
        address: where the bucket is.
        credentials: called for every request; returns the keys that sign it.
        count: called after every request with the operation and `200` or the error's code.
        timeouts: bounds in seconds.
        expected_owner: the account that must own the bucket, empty for any.
        expected_source_owner: the account that must own the bucket that copies are made from, empty for any.
        request_payer: offer to pay for requests, as requester-pays buckets ask.
        sleep: waits so many seconds before a page of a listing is requested again.
        clock: returns seconds since the epoch.
        limiter: limits the requests per second of all buckets that share it.
        body_limiter: limits the bytes per second that are read from objects.
        watch: see `Client`.
    """

    def __init__(
        self,
        address: BucketAddress,
        credentials: Callable[[], Credentials],
        count: Callable[[str, str], None],
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        *,
        expected_owner: str = "",
        expected_source_owner: str = "",
        request_payer: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        limiter: Limiter = UNBOUNDED,
        body_limiter: Limiter = UNBOUNDED,
        watch: Callable[[float], AbstractContextManager[object]] | None = None,
    ) -> None:
        self._body_limiter = body_limiter
        self._count = count
        self.address = address
        self.order = StoreOrder(
            self.first_after, self.is_listed, lambda prefix: self.list_page(prefix).entries.keys
        )
        always = {
            "x-amz-expected-bucket-owner": expected_owner,
            "x-amz-request-payer": "requester" if request_payer else "",
        }
        client = Client(
            address,
            credentials,
            count,
            headers=non_empty(always),
            timeouts=timeouts,
            clock=clock,
            limiter=limiter,
            watch=watch,
        )
        super().__init__(client, Pager(client, address.bucket, sleep), expected_source_owner)

    def close_thread(self) -> None:
        """Close the calling thread's connections; the next request opens a new one."""
        self._client.close_thread()

    def head_bucket(self) -> str:
        """Check that the bucket exists and may be used; return its region, empty where a store has none."""
        request = Request("HeadBucket", "HEAD")
        return self._client.perform(request, lambda response: response.headers.get("x-amz-bucket-region", ""))

    def has_object_lock(self) -> bool:
        """Return whether the bucket has Object Lock; a store that does not know the operation has not."""
        request = Request("GetObjectLockConfiguration", "GET", query=(("object-lock", ""),))
        return self._is_configured(request, _is_lock_enabled)

    def is_website(self) -> bool:
        """Return whether the bucket is served as a website, where objects may redirect."""
        request = Request("GetBucketWebsite", "GET", query=(("website", ""),))
        return self._is_configured(request, _is_website_configured)

    def list_page(
        self, prefix: str, start_after: str = "", token: str = "", *, limit: int = MAX_KEYS
    ) -> Page:
        """Read one page of the keys that begin with `prefix`, in UTF-8 order.

        Raises:
            ListingError: the page is truncated and has no token.
        """
        request = _listing(prefix, start_after, limit)
        more = non_empty({"continuation-token": token}).items()
        entries, following = self._pager.page(
            request._replace(query=request.query + tuple(more)), objects_page
        )
        return Page(entries, following[0][1] if following else "")

    def list_objects(
        self, prefix: str, start_after: str = "", *, list_page: ListPage | None = None
    ) -> Iterator[ObjectPage]:
        """Yield all objects whose keys begin with `prefix` and come after `start_after`, page by page.

        `list_page` reads one page, as this bucket's own method does, which is the default.

        Raises:
            ListingError: the listing contradicts itself; the pages before must be discarded, too.
        """
        read = list_page or self.list_page

        def read_pages(after: str) -> Iterator[Page]:
            def read_page(token: str) -> tuple[Page, str]:
                page = read(prefix, after, token)
                return page, page.next_token

            return self._pager.follow(read_page, "", lambda page: not page.entries)

        walk_after = partial(walk, self._folder_pages, prefix)
        return ObjectListing(self.address.bucket, prefix, self.order, read_pages, walk_after).pages(
            start_after
        )

    def first_after(self, prefix: str, text: str) -> str | None:
        """Return the first key that begins with `prefix` and comes after `text`, None if there is none."""
        pages = self._pager.follow(lambda token: self.list_page(prefix, text, token, limit=1), "")
        return next((entries.keys[0] for entries in pages if entries), None)

    def _folder_pages(self, prefix: str) -> Iterator[FolderPage]:
        """Yield the pages of a folder's own objects and folders."""
        request = _listing(prefix, "", MAX_KEYS, "/")
        return starmap(FolderPage, self._pager.pages(request, folder_page, lambda page: not any(page)))

    def is_listed(self, key: str) -> bool:
        """Return whether a listing contains `key`.

        To a principal that may list a part of the bucket only, S3 refuses a missing object like a forbidden one (API
        page of HeadObject, "Permissions"); the listing shows which it is.
        """
        return self._first_listed(key).keys == [key]

    def head(self, key: str) -> Head:
        """Return the head of an object, its checksums included."""
        request = Request("HeadObject", "HEAD", key, headers={"x-amz-checksum-mode": "ENABLED"})
        head = self._client.perform(request, object_head)
        # A proxy may drop the length: the listing has it.
        return head if head.size != UNKNOWN_LENGTH else head._replace(size=self.listed_size(key))

    def get(self, key: str, *, if_match: str = "", first: int | None = None, last: int | None = None) -> Body:
        """Return the body of an object, or its bytes from `first` to `last` (both included, from 0), still to be read.

        Args:
            key: the object.
            if_match: the ETag that it must have, empty for any.
            first: the first byte wanted; None for the whole object.
            last: the last byte wanted; None for all from `first`.
        """
        headers = {
            "x-amz-checksum-mode": "ENABLED",
            "if-match": etag_condition(if_match),
            "range": "" if first is None else f"bytes={first}-{'' if last is None else last}",
        }
        request = Request("GetObject", "GET", key, headers=non_empty(headers))
        body = self._client.perform(request, partial(checked_body, self.address.bucket, if_match, first))
        return body.limited_by(self._body_limiter)

    def put(
        self,
        key: str,
        read: ReadInto,
        length: int,
        headers: Mapping[str, str],
        trailer: Trailer | None = None,
        *,
        chunks: bool = False,
    ) -> Stored:
        """Write an object of `length` bytes, which `read` fills into a view and counts.

        The store checks them by `trailer`; `chunks` says that it accepts signed chunks over plain HTTP.
        """
        content = Outgoing(read, length, trailer, chunks)
        return self._client.perform(Request("PutObject", "PUT", key, (), headers, content), read_stored)

    def copy(
        self, key: str, *, source_bucket: str, source_key: str, if_match: str, headers: Mapping[str, str]
    ) -> Stored:
        """Copy an object of up to 5 GiB from another bucket server-side, if it still has the ETag `if_match`."""
        headers = {
            **headers,
            **copy_source(source_bucket, source_key, if_match, self._expected_source_owner),
        }
        return self._client.perform(Request("CopyObject", "PUT", key, (), headers), _read_copy)

    def delete(self, key: str, *, if_match: str = "") -> None:
        """Delete an object, if it still has the ETag `if_match` (empty for any)."""
        request = Request(
            "DeleteObject", "DELETE", key, headers=non_empty({"if-match": etag_condition(if_match)})
        )
        self._client.perform(request, discard_body)

    def delete_many(self, entries: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Delete up to 1,000 objects, each if it still has the ETag beside its key; return the refused keys' codes.

        Keys with control characters are not allowed: XML cannot carry them, and some stores then refuse all.
        """
        body = xml_requests.delete_request(entries)
        headers = {"content-md5": b64encode(md5(body, usedforsecurity=False).digest()).decode()}
        request = Request("DeleteObjects", "POST", None, (("delete", ""),), headers, body)
        refused = self._client.perform(
            request, lambda response: xml.delete_errors(read_page(response, "DeleteResult"))
        )
        # Counted for the rate limit: the request succeeded, and some of its keys were throttled.
        for code in THROTTLING_CODES.intersection(refused.values()):
            self._count(request.operation, code)
        return refused

    def restore(self, key: str, *, tier: str, days: int = 0) -> None:
        """Request that an archived object is restored for so many days (0: for good), at a tier such as `Bulk`."""
        request = Request(
            "RestoreObject", "POST", key, (("restore", ""),), content=xml_requests.restore_request(tier, days)
        )
        self._client.perform(request, discard_body)

    def tags(self, key: str) -> list[tuple[str, str]]:
        """Return the tags of an object."""
        request = Request("GetObjectTagging", "GET", key, (("tagging", ""),))
        return self._client.perform(request, lambda response: xml.tags(read_document(response, "Tagging")))

    def listed_size(self, key: str) -> int:
        """Return the size of an object by the listing, `UNKNOWN_LENGTH` where that has it not."""
        entries = self._first_listed(key)
        return entries.sizes[0] if entries.keys == [key] else UNKNOWN_LENGTH

    def _first_listed(self, prefix: str) -> ObjectPage:
        """Return a page with the first key that begins with `prefix`; some stores list empty pages before it."""
        pages = self._pager.follow(partial(self.list_page, prefix, "", limit=1), "")
        return next((entries for entries in pages if entries.keys), NOTHING)

    def put_tags(self, key: str, tags: Sequence[tuple[str, str]]) -> None:
        """Replace the tags of an object."""
        body = xml_requests.tagging_request(tags)
        headers = {"content-md5": b64encode(md5(body, usedforsecurity=False).digest()).decode()}
        request = Request("PutObjectTagging", "PUT", key, (("tagging", ""),), headers, body)
        self._client.perform(request, discard_body)

    def _is_configured(self, request: Request, read: Callable[[Response], bool]) -> bool:
        try:
            return self._client.perform(request, read)
        except S3Error as error:
            if error.code in NO_SUCH_SETTING or error.status in UNKNOWN_OPERATION:
                return False
            raise


def _listing(prefix: str, start_after: str, limit: int, delimiter: str = "") -> Request:
    parameters = {
        "delimiter": delimiter,
        "prefix": prefix,
        "start-after": start_after,
        "max-keys": str(limit),
    }
    query = (("list-type", "2"), ("encoding-type", "url"), *non_empty(parameters).items())
    return Request("ListObjectsV2", "GET", query=query)


def _is_lock_enabled(response: Response) -> bool:
    return (
        xml.text(_read_configuration(response, "ObjectLockConfiguration"), "ObjectLockEnabled") == "Enabled"
    )


def _is_website_configured(response: Response) -> bool:
    _read_configuration(response, "WebsiteConfiguration")
    return True


def _read_configuration(response: Response, name: str) -> Element:
    """Parse a configuration; a store that does not know the parameter may list the bucket, on a whole page."""
    return read_page(response, name)


def _read_copy(response: Response) -> Stored:
    return Stored(xml.parse_etag(read_document(response, "CopyObjectResult")), response.headers)
