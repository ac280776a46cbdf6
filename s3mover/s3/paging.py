"""Reads a listing page by page; each page is retried after temporary errors. `pages.py` parses them."""

from collections.abc import Callable, Iterator
from functools import partial
from operator import not_
from typing import TypeVar

from s3mover.errors import ListingError, MoverError, S3Error
from s3mover.s3.client import Client, Request
from s3mover.s3.pages import ParsedPage, Query
from s3mover.s3.response import Response
from s3mover.s3.retry import permanent_after, retrying

# A page that was cut short is complete when requested again; one that cannot be parsed never is.
MAX_INVALID = 3
# Empty pages in a row that name a next one: S3 sends some where it passes over millions of deleted objects.
MAX_EMPTY = 1000
T = TypeVar("T")
M = TypeVar("M")


class Pager:
    """Reads the listings of one bucket; `sleep` waits so many seconds before a page is requested again.

    Every method may raise `S3Error`, and `ListingError` where a listing contradicts itself.
    """

    def __init__(self, client: Client, bucket: str, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._bucket = bucket
        self._sleep = sleep

    def pages(
        self,
        request: Request,
        read: Callable[[Response], ParsedPage[T]],
        is_empty: Callable[[T], bool] = not_,
    ) -> Iterator[T]:
        """Yield the items of each page of `request`, which `read` parses."""
        first: Query = ()
        return self.follow(
            lambda query: self.page(request._replace(query=request.query + query), read), first, is_empty
        )

    def follow(
        self, read_page: Callable[[M], tuple[T, M]], marker: M, is_empty: Callable[[T], bool] = not_
    ) -> Iterator[T]:
        """Yield page after page: `read_page` returns the items and the next page's marker, empty after the last."""
        empty = 0
        while True:
            items, next_marker = retrying(
                permanent_after(MAX_INVALID, partial(read_page, marker), _is_invalid), pause=self._sleep
            )
            empty = empty + 1 if is_empty(items) else 0
            if empty > MAX_EMPTY:
                raise ListingError(f"the listing of {self._bucket} does not advance: {empty} pages are empty")
            yield items
            if not next_marker:
                return
            if next_marker == marker:
                raise ListingError(
                    f"the listing of {self._bucket} does not advance: two pages name the same next page"
                )
            marker = next_marker

    def page(self, request: Request, read: Callable[[Response], T]) -> T:
        """Read one page, without retries."""
        try:
            return self._client.perform(request, read)
        except ListingError as error:
            raise ListingError(f"{self._bucket}: {error}") from error


def _is_invalid(error: MoverError) -> bool:
    return isinstance(error, S3Error) and error.code == "InvalidResponse"
