"""The listings of both sides: by ranges for the plan of a sweep, in order for `verify`."""

import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime

from s3mover.app.endpoints import Endpoints
from s3mover.app.factories import filter_of, pair_of
from s3mover.events import Notify, ObjectsListed
from s3mover.model import ObjectPage, Side
from s3mover.planning.page_diff import Rules
from s3mover.planning.plan import ListingPlan
from s3mover.planning.read_ahead import ReadAhead
from s3mover.s3.bucket import MAX_KEYS, Bucket, ListPage
from s3mover.s3.retry import retrying
from s3mover.settings.model import Settings
from s3mover.sweep.etag_probe import EtagProbe

# Pages that `verify` reads ahead on each side.
PAGES_AHEAD = 3

# Returns the function that reads the pages of one side.
PageReader = Callable[[Side, Bucket], ListPage]


def local_page_reader(_: Side, bucket: Bucket) -> ListPage:
    """Return the function that reads pages in this process."""
    return bucket.list_page


def plan_of(
    settings: Settings, endpoints: Endpoints, notify: Notify, page_reader: PageReader = local_page_reader
) -> ListingPlan:
    """Return the plan of one sweep: both sides listed by ranges, and compared page by page."""

    def count(page: ObjectPage) -> None:
        notify(ObjectsListed(Side.DESTINATION, len(page)))

    pair, sleep = pair_of(settings), endpoints.sleep
    read_source = page_reader(Side.SOURCE, endpoints.source)
    read_destination = page_reader(Side.DESTINATION, endpoints.destination)
    source = SideListing(endpoints.source, pair.source_prefix, sleep, list_page=read_source)
    destination = SideListing(
        endpoints.destination, pair.destination_prefix, sleep, count, list_page=read_destination
    )
    rules = _rules(settings, endpoints)
    return ListingPlan(source, destination, rules, listers=settings.sweep.ranges, page=MAX_KEYS)


def _rules(settings: Settings, endpoints: Endpoints) -> Rules:
    min_age = settings.filter.min_age
    return Rules(
        pair_of(settings),
        EtagProbe(endpoints.source, endpoints.destination, endpoints.retry),
        included=filter_of(settings),
        not_after=s3_time(time.time() - min_age) if min_age else "",
    )


class SideListing:
    """The listing of one side for the plan.

    `list_page` reads a page, by default the bucket's own method; `on_page` is called with each page; `sleep` waits
    before a repetition.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        sleep: Callable[[float], None],
        on_page: Callable[[ObjectPage], None] = lambda _: None,
        *,
        list_page: ListPage | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._sleep = sleep
        self._on_page = on_page
        self._list_page = list_page

    def pages(self, after: str = "") -> Generator[ObjectPage]:
        """Yield the objects below the prefix with keys after `after`, in order."""
        for page in self._bucket.list_objects(self._prefix, after, list_page=self._list_page):
            self._on_page(page)
            yield page

    def first_after(self, text: str) -> str | None:
        """Return the first key after `text`, None if there is none."""
        page = retrying(
            lambda: self._bucket.list_page(self._prefix, start_after=text, limit=1), pause=self._sleep
        )
        return page.entries.keys[0] if page.entries else None

    def close_thread(self) -> None:
        """Close the connections of the calling thread."""
        self._bucket.close_thread()


def ordered_pages(bucket: Bucket, prefix: str) -> ReadAhead[ObjectPage]:
    """Return the pages of one side in key order, read ahead by a thread."""

    def pages() -> Generator[ObjectPage]:
        try:
            yield from bucket.list_objects(prefix)
        finally:
            bucket.close_thread()

    return ReadAhead(pages(), depth=PAGES_AHEAD, name="list")


def s3_time(seconds: float) -> str:
    """Return seconds since the epoch in the format of S3 listings."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
