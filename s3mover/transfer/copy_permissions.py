"""The cache of copy permissions: a refused server-side copy costs a request once per folder, not once per object."""

import threading
from collections.abc import Callable

# A permission granted after a refusal is noticed within this time.
RETRY_SECONDS = 300.0
# So many folders refused, and none permitted: the whole bucket counts as refused.
MIN_REFUSED_FOLDERS = 3
# At this many folders the cache is cleared: its memory stays bounded in any bucket.
MAX_FOLDERS = 10_000


class CopyPermissionCache:
    """Caches per folder of the source whether server-side copies are permitted; refusals expire.

    While a folder is unknown, one thread probes it and the others wait for the result: refused requests cost money and
    rate, and many threads start at once. Threads may share it; `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._permitted: set[str] = set()
        self._refused: dict[str, tuple[float, str]] = {}
        self._everywhere = (0.0, "")
        self._probing: set[str] = set()

    def refusal_code(self, key: str, *, wait: bool = True) -> str:
        """Return the code with which a copy of `key` would be refused, empty where it is worth trying.

        After an empty code the caller must call `record_permitted`, `record_refused` or `record_undecided` for the same
        key. `wait` is False for copies that take long: others do not wait for their result, nor they for others.
        """
        folder = _folder(key)
        if folder in self._permitted:
            return ""
        with self._changed:
            while wait and folder in self._probing:
                self._changed.wait()
            code = self._known_refusal(folder)
            if wait and not code and folder not in self._permitted:
                self._probing.add(folder)
            return code

    def record_permitted(self, key: str) -> None:
        """Record that a copy of `key` succeeded: its folder is permitted."""
        folder = _folder(key)
        if folder in self._permitted:
            return
        with self._changed:
            self._clear_if_full()
            self._permitted.add(folder)
            self._refused.pop(folder, None)
            self._everywhere = (0.0, "")
            self._end_probe(folder)

    def record_refused(self, key: str, code: str) -> None:
        """Record that a copy of `key` was refused with `code`: so is its folder, until the refusal expires."""
        folder = _folder(key)
        with self._changed:
            self._clear_if_full()
            refusal = (self._clock() + RETRY_SECONDS, code)
            self._permitted.discard(folder)
            self._refused[folder] = refusal
            if not self._permitted and len(self._refused) >= MIN_REFUSED_FOLDERS:
                self._everywhere = refusal
            self._end_probe(folder)

    def record_undecided(self, key: str) -> None:
        """Record that a copy of `key` failed for another reason: the next thread probes its folder."""
        with self._changed:
            self._end_probe(_folder(key))

    def _known_refusal(self, folder: str) -> str:
        now = self._clock()
        for until, code in (self._everywhere, self._refused.get(folder, (0.0, ""))):
            if now < until:
                return code
        return ""

    def _end_probe(self, folder: str) -> None:
        self._probing.discard(folder)
        self._changed.notify_all()

    def _clear_if_full(self) -> None:
        if len(self._permitted) + len(self._refused) >= MAX_FOLDERS:
            self._permitted.clear()
            self._refused.clear()


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
