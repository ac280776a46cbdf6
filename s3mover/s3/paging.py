"""Reading a listing page by page: each is tried again where that may help. What is on a page is `pages.py`'s."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from s3mover.errors import ListingError, MoverError, S3Error
from s3mover.s3.client import Client, Request
from s3mover.s3.pages import Listed, Query
from s3mover.s3.response import Response
from s3mover.s3.retry import permanent_after, retrying

# A page cut short comes whole when asked for again; one that cannot be read never does.
MAX_INVALID = 3
T = TypeVar("T")
M = TypeVar("M")


class Pager:
    """Reads the listings of one bucket; `sleep` waits so many seconds before a page is asked for again.

    Everything may raise `S3Error`, and `ListingError` where a listing contradicts itself.
    """

    def __init__(self, client: Client, bucket: str, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._bucket = bucket
        self._sleep = sleep

    def pages(self, request: Request, read: Callable[[Response], Listed[T]]) -> Iterator[T]:
        """Yield what `read` makes of each page, the next of which is asked for where the one before says so."""
        first: Query = ()
        return self.follow(lambda more: self.page(request._replace(query=request.query + more), read), first)

    def follow(self, ask: Callable[[M], tuple[T, M]], more: M) -> Iterator[T]:
        """Yield page after page: `ask` reads one, once, and tells what asks for the next; nothing ends the listing."""
        while True:
            items, following = retrying(
                permanent_after(MAX_INVALID, partial(ask, more), _is_invalid), pause=self._sleep
            )
            yield items
            if not following:
                return
            if following == more:
                raise ListingError(
                    f"the listing of {self._bucket} does not go on: two pages name the same next one"
                )
            more = following

    def page(self, request: Request, read: Callable[[Response], T]) -> T:
        """Ask for one page, once."""
        try:
            return self._client.perform(request, read)
        except ListingError as error:
            raise ListingError(f"{self._bucket}: {error}") from error


def _is_invalid(error: MoverError) -> bool:
    return isinstance(error, S3Error) and error.code == "InvalidResponse"
