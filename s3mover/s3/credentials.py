"""One side's credentials and address in the running program: resolved once, and the credentials refreshed.

boto3 resolves them (`resolver.py`), in a process of its own (`app/config_process.py`).
"""

import threading
import time
from collections.abc import Callable

from s3mover.errors import UnreachableError
from s3mover.events import CredentialsRefreshed, Event, Notify
from s3mover.model import Credentials
from s3mover.s3.side_access import ResolvedSide, ResolveSide, SideAccess

# Credentials are renewed so long before they expire, as AWS's own libraries do.
RENEWAL_SECONDS = 600.0
# A failed renewal is retried after so long, while the old credentials are still valid.
RETRY_SECONDS = 30.0


def _ignore(_: Event) -> None:
    """Drop an event."""


class RefreshingCredentials:
    """One side's credentials, which are renewed before they expire, and its bucket's address; threads may share it.

    `resolved` are the first ones, `resolve` returns new ones, `clock` returns seconds since the epoch.
    """

    def __init__(
        self,
        access: SideAccess,
        resolved: ResolvedSide,
        resolve: ResolveSide,
        notify: Notify = _ignore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._resolve = resolve
        self._notify = notify
        self._clock = clock
        self._lock = threading.Lock()
        self.address = resolved.address
        self._credentials = resolved.credentials
        self._renew_at = _renewal_time(resolved.credentials)

    def credentials(self) -> Credentials:
        """Return valid credentials; renew them, and announce it, if that is due.

        Raises:
            UnreachableError: they have expired and cannot be renewed, or the role may not be assumed.
        """
        if self._clock() >= self._renew_at:
            with self._lock:
                if self._clock() >= self._renew_at:
                    self._renew()
        return self._credentials

    def renew(self, access: SideAccess) -> None:
        """Resolve credentials again by the settings in `access`; the address stays.

        Raises:
            UnreachableError: no credentials, or no such profile; the old credentials stay.
        """
        with self._lock:
            fresh = self._resolve(access).credentials
            self._access = access
            self._replace(fresh)

    def _renew(self) -> None:
        try:
            fresh = self._resolve(self._access).credentials
        except UnreachableError:
            if self._clock() >= (self._credentials.expires_at or 0.0):
                raise
            self._renew_at = self._clock() + RETRY_SECONDS
            return
        self._replace(fresh)

    def _replace(self, fresh: Credentials) -> None:
        changed, self._credentials = fresh != self._credentials, fresh
        # A source that returns the same credentials until they expire is not asked for every request.
        self._renew_at = max(_renewal_time(fresh), self._clock() + RETRY_SECONDS)
        if changed:
            self._notify(CredentialsRefreshed(self._access.side))


def _renewal_time(credentials: Credentials) -> float:
    return float("inf") if credentials.expires_at is None else credentials.expires_at - RENEWAL_SECONDS
