"""The objects of a bucket page by page in UTF-8 order, whichever order the store lists in.

`listing_order.py` finds out about the order, `directory_walk.py` reads what is listed in directory order.
"""

from collections.abc import Callable, Iterator
from operator import lt

from s3mover.errors import ListingError
from s3mover.model import ObjectPage
from s3mover.s3.listing_order import ListingOrder, StoreOrder, has_folders, in_directory_order
from s3mover.s3.records import Page

# Yields the pages after a key, each requested by the token of the page before.
ReadPages = Callable[[str], Iterator[Page]]
# Yields the objects after a key of a bucket that is listed in directory order, in UTF-8 order.
Walk = Callable[[str], Iterator[ObjectPage]]


class ObjectListing:
    """The listing of the keys with one prefix; `bucket` is its name, `store` what is known of the store."""

    def __init__(
        self, bucket: str, prefix: str, store: StoreOrder, read_pages: ReadPages, walk: Walk
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._store = store
        self._read_pages = read_pages
        self._walk = walk

    def pages(self, after: str) -> Iterator[ObjectPage]:
        """Yield what comes after `after`.

        Raises:
            ListingError: the listing contradicts itself; the pages before must be discarded, too.
        """
        last, folders = after, False
        for page in self._pages_as_listed(after):
            # Once folders came, it is too late to list in another way.
            if page is None or (not folders and self._is_directory_order(after, last, page)):
                self._store.order = ListingOrder.DIRECTORY
                yield from self._walked(last)
                return
            self._check(last, page.entries)
            folders = folders or has_folders(self._prefix, page.entries.keys)
            last = _last_key(last, page.entries)
            yield page.entries

    def _pages_as_listed(self, after: str) -> Iterator[Page | None]:
        """Yield the pages that name objects, as the store lists them; None if that is known to be directory order.

        From the second page on they are those after the last key of the first: some stores leave out the first key of
        the page that follows one begun by a text that is not a key.
        """
        if self._store.order is ListingOrder.DIRECTORY:
            yield None
            return
        for page in self._read_pages(after):
            if _is_worth_yielding(page):
                yield page
            if page.entries and page.next_token and after:
                yield from filter(_is_worth_yielding, self._read_pages(page.entries.keys[-1]))
                return

    def _is_directory_order(self, after: str, last: str, page: Page) -> bool:
        """Return whether a page shows directory order, or leads to a question that does."""
        if self._store.order is not None or not page.entries:
            return False
        keys = [last, *page.entries.keys] if last else page.entries.keys
        if not ascends(keys):
            return in_directory_order(keys)
        keys = [last or self._prefix, *page.entries.keys]
        self._store.note(self._prefix, keys)
        if not after and not page.next_token:
            # The whole listing is in UTF-8 order, whatever the store's order is.
            return False
        return self._store.order_at(self._prefix, keys) is ListingOrder.DIRECTORY

    def _walked(self, after: str) -> Iterator[ObjectPage]:
        last = after
        for entries in self._walk(after):
            self._check(last, entries)
            last = _last_key(last, entries)
            yield entries

    def _check(self, last: str, entries: ObjectPage) -> None:
        """Ensure that keys ascend (strings compare as their UTF-8 does) and have the requested prefix."""
        keys = [last, *entries.keys] if last else entries.keys
        if not ascends(keys):
            at = next(at for at in range(1, len(keys)) if keys[at - 1] >= keys[at])
            self._store.contradicted_by(keys)
            raise ListingError(
                f"the listing of {self._bucket} is out of order: {keys[at]!r} comes after {keys[at - 1]!r}; "
                "expected keys in the order of their UTF-8 bytes, as S3 lists them, or in that of directories"
            )
        # Keys with one prefix are neighbours: if the first and the last have it, all have it.
        ends = (entries.keys[0], entries.keys[-1]) if entries else ()
        if not all(key.startswith(self._prefix) for key in ends):
            raise ListingError(
                f"the listing of {self._bucket} contains keys that do not begin with {self._prefix!r}"
            )


def ascends(keys: list[str]) -> bool:
    """Return whether keys ascend strictly in UTF-8 order."""
    return all(map(lt, keys, keys[1:]))


def _last_key(last: str, entries: ObjectPage) -> str:
    return entries.keys[-1] if entries else last


def _is_worth_yielding(page: Page) -> bool:
    return bool(page.entries or page.entries.unusable)
