"""In which order a store lists, and whether it lists rightly from a text that is not a key: asked of the store.

S3 lists in UTF-8 order. A store that keeps a tree of files lists in directory order, `data/x` before `data.csv`, as if
a slash came before all other characters. The two differ only where keys have slashes below the prefix. Some stores
answer wrongly to a `start-after` that is not a key. Both are found out by questions whose answers a page has shown.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from operator import lt
from typing import NamedTuple

from s3mover.errors import S3Error

# Printable, sent as they are, and before `/`: one before all that keys usually go on with, one behind.
_LOW, _BELOW_SLASH = "!", ".~"
_HIGH = "\U0010ffff"
LONGEST_KEY = 1024  # bytes (Amazon S3 User Guide, "Naming Amazon S3 objects")

# Returns the first key with a prefix after a text, None where there is none.
FirstAfter = Callable[[str, str], str | None]


class ListingOrder(StrEnum):
    """The orders in which stores list."""

    UTF8 = "UTF-8 order"
    DIRECTORY = "directory order"


class Question(NamedTuple):
    """The key that follows `text` in a listing is `follower`."""

    text: str
    follower: str


def in_directory_order(keys: Sequence[str]) -> bool:
    """Return whether keys ascend as a tree of files does."""
    names = [key.split("/") for key in keys]
    return all(map(lt, names, names[1:]))


def has_folders(prefix: str, keys: Sequence[str]) -> bool:
    """Return whether keys that begin with `prefix` have slashes after it, so that the order matters."""
    return "".join(keys).count("/") > len(keys) * prefix.count("/")


def folder_question(prefix: str, keys: Sequence[str]) -> Question | None:
    """Return a text before a folder of these keys in UTF-8 order, and after it in directory order."""
    for key in keys:
        end = key.find("/", len(prefix))
        if end > len(prefix) and _can_be_sent(key[:end]):
            return Question(key[:end] + _BELOW_SLASH, key)
    return None


def gap_question(keys: Sequence[str]) -> Question | None:
    """Return a text that is not a key, and the key that follows it in either order; `keys` are neighbours."""
    for key, follower in pairwise(keys):
        text = key + _LOW
        if text < follower and text.split("/") < follower.split("/") and _can_be_sent(key):
            return Question(text, follower)
    return None


def _is_between(answer: str, asked: Question) -> bool:
    """Return whether `answer` comes before the follower in either order: it was written after the page was read."""
    names = [text.split("/") for text in (asked.text, answer, asked.follower)]
    return asked.text < answer < asked.follower and names[0] < names[1] < names[2]


def _can_be_sent(text: str) -> bool:
    """Return whether a text may be sent as `start-after`: some stores repeat it in XML."""
    return text.isprintable() and len(text.encode()) < LONGEST_KEY


def _fits_utf8_order(answer: str, keys: Sequence[str], asked: Question) -> bool:
    """Return whether `answer` may be the first key after the text; `keys` are neighbours, the follower among them."""
    folder = asked.text.removesuffix(_BELOW_SLASH) + "/"
    if keys[0] <= asked.text:
        # All keys from the text to the follower are known.
        return answer.startswith(folder) or (answer < folder and answer in keys)
    return answer < folder + _HIGH


class StoreOrder:
    """What is known of one store; threads share it, and at worst ask twice.

    `order` is None until it matters. The functions given send a request, and may raise `S3Error`: `first_keys` returns
    the first page of the keys with a prefix.
    """

    def __init__(
        self,
        first_after: FirstAfter,
        is_listed: Callable[[str], bool],
        first_keys: Callable[[str], list[str]],
    ) -> None:
        self._first_after = first_after
        self._is_listed = is_listed
        self._first_keys = first_keys
        self._gap: tuple[str, Question] | None = None
        self._starts_anywhere: bool | None = None
        self.order: ListingOrder | None = None

    def note(self, prefix: str, keys: Sequence[str]) -> None:
        """Find something to ask about among neighbours of a listing, whose prefix counts as that of its first key."""
        if self._gap is None and (asked := gap_question(keys)) is not None:
            self._gap = prefix, asked

    def contradicted_by(self, keys: Sequence[str]) -> None:
        """Forget what is known: these keys do not follow each other in UTF-8 order."""
        known, self._gap, self._starts_anywhere = self.order, None, None
        directory = known is not ListingOrder.DIRECTORY and in_directory_order(keys)
        self.order = ListingOrder.DIRECTORY if directory else None

    def order_at(self, prefix: str, keys: Sequence[str]) -> ListingOrder | None:
        """Return the order, and ask for it if these keys, which ascend in both orders, have folders.

        None: it does not matter yet, or the store answers wrongly to such a question.
        """
        if self.order is None and has_folders(prefix, keys) and (asked := folder_question(prefix, keys)):
            self.order = self._ask_for_order(prefix, keys, asked)
        return self.order

    def starts_anywhere(self, prefix: str) -> bool:
        """Return whether a listing may begin after a text that is not a key, and is right from there on."""
        if self._starts_anywhere is None:
            if self._gap is None:
                self.note(prefix, [prefix, *self._first_keys(prefix)])
            self._starts_anywhere = self._answers_rightly()
        return self._starts_anywhere and self.order is not ListingOrder.DIRECTORY

    def _ask_for_order(self, prefix: str, keys: Sequence[str], asked: Question) -> ListingOrder | None:
        try:
            answer = self._first_after(prefix, asked.text)
        except S3Error:
            # A store that refuses such a start is not asked again; its listing shows its order.
            self._starts_anywhere = False
            return None
        if answer is not None and _fits_utf8_order(answer, keys, asked):
            self._starts_anywhere = True
            return ListingOrder.UTF8
        if self._is_listed(asked.follower) and self._answers_rightly():
            return ListingOrder.DIRECTORY
        return None

    def _answers_rightly(self) -> bool:
        """Return whether the answer is the follower, or what came or went since its page was read explains it."""
        if self._gap is None:
            return False
        prefix, asked = self._gap
        try:
            answer = self._first_after(prefix, asked.text)
        except S3Error:
            return False
        if answer is None or answer <= asked.text:
            return False
        return answer == asked.follower or _is_between(answer, asked) or not self._is_listed(asked.follower)
