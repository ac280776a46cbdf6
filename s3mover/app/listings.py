"""The listings of both sides: by ranges for the plan of a sweep, in order for `verify`."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from s3mover.app.endpoints import Endpoints
from s3mover.app.factories import filter_of, pair_of, youngest_of
from s3mover.events import ListingLimited, Notify, ObjectsListed
from s3mover.model import ObjectPage, Side
from s3mover.planning.cuts import FirstPieces, cut_keys, even_pieces
from s3mover.planning.page_diff import Rules
from s3mover.planning.plan import ListingPlan
from s3mover.planning.ranges import ALL_KEYS, KeyBounds
from s3mover.planning.read_ahead import ReadAhead
from s3mover.s3.bucket import MAX_KEYS, Bucket, ListPage
from s3mover.s3.listing_order import ListingOrder
from s3mover.settings.model import Settings
from s3mover.sweep.etag_probe import EtagProbe

# Pages that `verify` reads ahead on each side.
PAGES_AHEAD = 3
# Questions for keys to cut at that are asked at a time.
QUESTIONS_AT_ONCE = 16

DIRECTORY_ORDER = "the store lists in directory order: the bucket is listed folder by folder, as one range"
WRONG_STARTS = (
    "the store answers wrongly to a start-after that is not a key: the buckets are listed as one range"
)

# Returns the function that reads the pages of one side.
PageReader = Callable[[Side, Bucket], ListPage]


def local_page_reader(_: Side, bucket: Bucket) -> ListPage:
    """Return the function that reads pages in this process."""
    return bucket.list_page


def plan_of(
    settings: Settings,
    endpoints: Endpoints,
    notify: Notify,
    page_reader: PageReader = local_page_reader,
    bounds: KeyBounds = ALL_KEYS,
) -> ListingPlan:
    """Return the plan of one sweep: both sides listed by ranges within `bounds`, and compared page by page."""

    def count(page: ObjectPage) -> None:
        notify(ObjectsListed(Side.DESTINATION, len(page)))

    def listing_of(side: Side, prefix: str, on_page: Callable[[ObjectPage], None]) -> SideListing:
        bucket = endpoints.bucket(side)
        say = partial(_announce, notify, side)
        return SideListing(bucket, prefix, say, on_page, list_page=page_reader(side, bucket))

    pair = pair_of(settings)
    source = listing_of(Side.SOURCE, pair.source_prefix, lambda _: None)
    destination = listing_of(Side.DESTINATION, pair.destination_prefix, count)
    rules = rules_of(settings, endpoints)
    return ListingPlan(
        source,
        destination,
        rules,
        listers=settings.sweep.ranges,
        page=MAX_KEYS,
        bounds=bounds,
        destination_only=settings.deletions.mode != "keep",
    )


class SourceCuts:
    """Cuts the source's listing into pieces that several machines may list; made anew for each sweep."""

    def __init__(self, settings: Settings, endpoints: Endpoints, notify: Notify) -> None:
        pair = pair_of(settings)
        self._source, self._destination = (
            SideListing(endpoints.bucket(side), prefix, partial(_announce, notify, side), lambda _: None)
            for side, prefix in (
                (Side.SOURCE, pair.source_prefix),
                (Side.DESTINATION, pair.destination_prefix),
            )
        )

    def first_page(self, few: int, many: int) -> FirstPieces:
        """Cut the first page of the source evenly: into `few` pieces, or into `many` if it holds all keys.

        So machines can begin while the rest is cut. A page that is not full is taken for all there is.

        Raises:
            S3Error: a side could not be asked.
        """
        with self._asking() as threads:
            keys = next((page.keys for page in self._source.pages("")), [])
            if not keys or not self._is_cuttable(threads):
                return FirstPieces([ALL_KEYS], None)
            if len(keys) < MAX_KEYS:
                return FirstPieces(even_pieces(keys, many, None, self._source.is_ordered_at), None)
            pieces = even_pieces(keys, few, keys[-1], self._source.is_ordered_at)
            return FirstPieces(pieces, KeyBounds(keys[-1]))

    def cut(self, bounds: KeyBounds, pieces: int) -> list[KeyBounds]:
        """Cut keys into up to so many pieces; the widest comes first.

        They stay whole where one of the stores cannot be listed from any key on; an empty destination can.

        Raises:
            S3Error: a side could not be asked.
        """
        with self._asking() as threads:
            if not self._is_cuttable(threads):
                return [bounds]
            ask = partial(_first_keys_after, self._source, threads)
            return cut_keys(bounds, pieces, ask, self._source.is_ordered_at)

    @contextmanager
    def _asking(self) -> Iterator[ThreadPoolExecutor]:
        threads = ThreadPoolExecutor(QUESTIONS_AT_ONCE, thread_name_prefix="cut")
        with threads, closing_thread(self._source):
            yield threads

    def _is_cuttable(self, threads: ThreadPoolExecutor) -> bool:
        listable = threads.submit(_is_listable_anywhere, self._destination)
        return self._source.starts_anywhere() and listable.result()


def _is_listable_anywhere(destination: "SideListing") -> bool:
    with closing_thread(destination):
        return destination.first_after("") is None or destination.starts_anywhere()


def _first_keys_after(
    listing: "SideListing", threads: ThreadPoolExecutor, texts: Sequence[str]
) -> list[str | None]:
    def ask(text: str) -> str | None:
        with closing_thread(listing):
            return listing.first_after(text)

    others = threads.map(ask, texts[1:])
    return [listing.first_after(texts[0]), *others]


def rules_of(settings: Settings, endpoints: Endpoints) -> Rules:
    """Return what decides about each object, as of now."""
    return Rules(
        pair_of(settings),
        EtagProbe(endpoints.source, endpoints.destination, endpoints.retry),
        included=filter_of(settings),
        not_after=youngest_of(settings),
    )


def _announce(notify: Notify, side: Side, message: str) -> None:
    notify(ListingLimited(side, message))


class SideListing:
    """The listing of one side for the plan.

    `say` is told once what the store cannot do; `list_page` reads a page, by default the bucket's own method; `on_page`
    is called with each page.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        say: Callable[[str], None],
        on_page: Callable[[ObjectPage], None],
        *,
        list_page: ListPage | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._say = say
        self._said = False
        self._on_page = on_page
        self._list_page = list_page

    def pages(self, after: str = "") -> Generator[ObjectPage]:
        """Yield the objects below the prefix with keys after `after`, in order."""
        for page in self._bucket.list_objects(self._prefix, after, list_page=self._list_page):
            if self.lists_directories():
                self._say_once(DIRECTORY_ORDER)
            self._on_page(page)
            yield page

    def first_after(self, text: str) -> str | None:
        """Return the first key after `text`, None if there is none."""
        return self._bucket.first_after(self._prefix, text)

    def starts_anywhere(self) -> bool:
        """Return whether a listing may begin after a text that is not a key."""
        if self._bucket.order.starts_anywhere(self._prefix):
            return True
        self._say_once(DIRECTORY_ORDER if self.lists_directories() else WRONG_STARTS)
        return False

    def is_ordered_at(self, key: str) -> bool:
        """Return whether the store lists in UTF-8 order at `key`, which it has."""
        return self._bucket.order.order_at(self._prefix, [key]) is not ListingOrder.DIRECTORY

    def lists_directories(self) -> bool:
        """Return whether the store is known to list in directory order."""
        return self._bucket.order.order is ListingOrder.DIRECTORY

    def close_thread(self) -> None:
        """Close the connections of the calling thread."""
        self._bucket.close_thread()

    def _say_once(self, message: str) -> None:
        if not self._said:
            self._said = True
            self._say(message)


@contextmanager
def closing_thread(listing: SideListing) -> Iterator[None]:
    """Close the calling thread's connections at the end of the block."""
    try:
        yield
    finally:
        listing.close_thread()


def ordered_pages(bucket: Bucket, prefix: str) -> ReadAhead[ObjectPage]:
    """Return the pages of one side in key order, read ahead by a thread."""

    def pages() -> Generator[ObjectPage]:
        try:
            yield from bucket.list_objects(prefix)
        finally:
            bucket.close_thread()

    return ReadAhead(pages(), depth=PAGES_AHEAD, name="list")
