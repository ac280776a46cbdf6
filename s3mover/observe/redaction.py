"""Keeps known secrets out of what is shown: the second line of defence, behind never passing them on.

Nothing here finds secrets; whoever holds one registers it.
"""

from collections.abc import Iterable
from threading import Lock
from urllib.parse import quote

MASK = "[redacted]"
SHORTEST = 6  # a shorter secret would blot out half of every line and protect nothing


class Redactor:
    """Replaces registered secrets in texts; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._groups: dict[str, frozenset[str]] = {}
        self._spellings: tuple[str, ...] = ()

    def register(self, secrets: Iterable[str], group: str = "") -> None:
        """Hide `secrets` from now on, in place of those that the same `group` registered before.

        Groups keep the list short while credentials are refreshed for months. Secrets of fewer than six
        characters are passed over.
        """
        spellings = frozenset(word for secret in secrets for word in _spellings(secret))
        with self._lock:
            self._groups[group] = spellings
            every = frozenset[str]().union(*self._groups.values())
            self._spellings = tuple(sorted(every, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """Return `text` with `[redacted]` in place of each registered secret."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        return text


def _spellings(secret: str) -> set[str]:
    """Return the secret as it stands in plain text, in a URL and in a Python repr."""
    if len(secret) < SHORTEST:
        return set()
    return {secret, quote(secret, safe="", errors="backslashreplace"), repr(secret)[1:-1]}


redactor = Redactor()
"""The one redactor of this process."""


def redact(secrets: Iterable[str], group: str = "") -> None:
    """Register secrets with the redactor of this process; see `Redactor.register`."""
    redactor.register(secrets, group)
