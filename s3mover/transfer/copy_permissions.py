"""What is remembered of refused server-side copies, so that a refusal is not paid for once per object."""

import threading
from collections.abc import Callable

# A permission that was granted meanwhile is noticed after this long.
RETRY_SECONDS = 300.0
# So many folders refused, and none permitted, mean that the whole bucket refuses.
ENOUGH_FOLDERS = 3
# Beyond this many folders all is forgotten and learnt anew: memory stays bounded in any bucket.
MOST_FOLDERS = 10_000


class CopyPermissionCache:
    """Remembers per folder of the source whether server-side copies are permitted; refusals fade in time.

    While nothing is known of a folder, one thread probes it and the others wait for the verdict: refused requests
    cost money and rate, and many threads start at once. Safe to use from many threads; `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._permitted: set[str] = set()
        self._refused: dict[str, tuple[float, str]] = {}
        self._everywhere = (0.0, "")
        self._probing: set[str] = set()

    def refusal(self, key: str, *, probing: bool = True) -> str:
        """Return why a server-side copy of `key` is known to be refused, empty where it is worth trying.

        After an empty answer the caller owes one of `permitted`, `refused` or `undecided` for the same key.
        `probing` is False for copies that take long: nobody is to wait for their verdict, nor do they for another's.
        """
        folder = _folder(key)
        if folder in self._permitted:
            return ""
        with self._changed:
            while probing and folder in self._probing:
                self._changed.wait()
            code = self._known_refusal(folder)
            if probing and not code and folder not in self._permitted:
                self._probing.add(folder)
            return code

    def permitted(self, key: str) -> None:
        """Remember that server-side copies are possible here."""
        folder = _folder(key)
        if folder in self._permitted:
            return
        with self._changed:
            self._forget_if_too_much()
            self._permitted.add(folder)
            self._refused.pop(folder, None)
            self._everywhere = (0.0, "")
            self._probed(folder)

    def refused(self, key: str, code: str) -> None:
        """Remember that server-side copies are refused here with `code`."""
        folder = _folder(key)
        with self._changed:
            self._forget_if_too_much()
            verdict = (self._clock() + RETRY_SECONDS, code)
            self._permitted.discard(folder)
            self._refused[folder] = verdict
            if not self._permitted and len(self._refused) >= ENOUGH_FOLDERS:
                self._everywhere = verdict
            self._probed(folder)

    def undecided(self, key: str) -> None:
        """Let the next thread probe: this copy ended without telling anything of permission."""
        with self._changed:
            self._probed(_folder(key))

    def _known_refusal(self, folder: str) -> str:
        now = self._clock()
        for until, code in (self._everywhere, self._refused.get(folder, (0.0, ""))):
            if now < until:
                return code
        return ""

    def _probed(self, folder: str) -> None:
        self._probing.discard(folder)
        self._changed.notify_all()

    def _forget_if_too_much(self) -> None:
        if len(self._permitted) + len(self._refused) >= MOST_FOLDERS:
            self._permitted.clear()
            self._refused.clear()


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
