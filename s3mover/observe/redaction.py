"""Removes registered secrets from texts that are shown. This is a safety net: secrets should never get that far.

It does not detect secrets; the code that reads a secret registers it.
"""

from collections.abc import Iterable
from threading import Lock
from urllib.parse import quote

MASK = "[redacted]"
SHORTEST = 6  # a shorter secret would mask ordinary text and is not worth protecting


class Redactor:
    """Replaces registered secrets in texts; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._groups: dict[str, frozenset[str]] = {}
        self._spellings: tuple[str, ...] = ()

    def register(self, secrets: Iterable[str], group: str = "") -> None:
        """Mask `secrets` from now on, instead of those registered before for the same `group`.

        Groups keep the list short while credentials are refreshed for months. Secrets of fewer than six characters
        are ignored.
        """
        spellings = frozenset(spelling for secret in secrets for spelling in _spellings(secret))
        with self._lock:
            self._groups[group] = spellings
            all_spellings = frozenset[str]().union(*self._groups.values())
            self._spellings = tuple(sorted(all_spellings, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """Return `text` with each registered secret replaced by `[redacted]`."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        return text


def _spellings(secret: str) -> set[str]:
    """Return the secret as it appears in plain text, in a URL and in a Python repr."""
    if len(secret) < SHORTEST:
        return set()
    return {secret, quote(secret, safe="", errors="backslashreplace"), repr(secret)[1:-1]}


redactor = Redactor()
"""The one redactor of this process."""


def redact(secrets: Iterable[str], group: str = "") -> None:
    """Register secrets with the redactor of this process; see `Redactor.register`."""
    redactor.register(secrets, group)
