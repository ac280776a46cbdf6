"""One side's credentials and address as the running program holds them: found once, the credentials kept fresh.

How they are found is boto3's affair (`identity.py`), in a process of its own (`config_process.py`).
"""

import threading
import time
from collections.abc import Callable

from s3mover.errors import UnreachableError
from s3mover.events import CredentialsRefreshed, Event, Notify
from s3mover.model import Credentials
from s3mover.s3.side_access import ResolvedSide, ResolveSide, SideAccess

# Credentials are renewed so long before they expire, as AWS's own libraries do at the latest.
RENEWAL_SECONDS = 600.0
# A renewal that failed is tried again after so long, while the old ones still hold.
RETRY_SECONDS = 30.0


def _unheard(_: Event) -> None:
    """Announce to nobody."""


class RefreshingCredentials:
    """One side's credentials, which renew themselves, and its bucket's address; may be used by several threads.

    `found` is what it begins with, `find` finds it anew, `clock` tells seconds since the epoch.
    """

    def __init__(
        self,
        access: SideAccess,
        found: ResolvedSide,
        find: ResolveSide,
        notify: Notify = _unheard,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._find = find
        self._notify = notify
        self._clock = clock
        self._lock = threading.Lock()
        self.address = found.address
        self._credentials = found.credentials
        self._look_at = _renewal_of(found.credentials)

    def credentials(self) -> Credentials:
        """Return credentials that are valid now; they are renewed where that is due, which is announced.

        Raises:
            UnreachableError: they have expired and cannot be renewed, or the role may not be assumed.
        """
        if self._clock() >= self._look_at:
            with self._lock:
                if self._clock() >= self._look_at:
                    self._renew()
        return self._credentials

    def renew(self, access: SideAccess) -> None:
        """Look for credentials anew, as at the start, by what the settings say now; the address stays.

        Raises:
            UnreachableError: no credentials, or no such profile; the old ones stay.
        """
        with self._lock:
            fresh = self._find(access).credentials
            self._access = access
            self._adopt(fresh)

    def _renew(self) -> None:
        try:
            fresh = self._find(self._access).credentials
        except UnreachableError:
            if self._clock() >= (self._credentials.expires_at or 0.0):
                raise
            self._look_at = self._clock() + RETRY_SECONDS
            return
        self._adopt(fresh)

    def _adopt(self, fresh: Credentials) -> None:
        changed, self._credentials = fresh != self._credentials, fresh
        # A source that gives the same ones until they expire is not asked all the time.
        self._look_at = max(_renewal_of(fresh), self._clock() + RETRY_SECONDS)
        if changed:
            self._notify(CredentialsRefreshed(self._access.side))


def _renewal_of(credentials: Credentials) -> float:
    return float("inf") if credentials.expires_at is None else credentials.expires_at - RENEWAL_SECONDS
