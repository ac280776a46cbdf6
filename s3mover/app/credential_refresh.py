"""Keeps the credentials of a route fresh: sends refreshed ones to the workers, resolves refused ones again."""

import time
from collections.abc import Callable
from http import HTTPStatus

from s3mover.app.current_settings import CREDENTIALS, CurrentSettings, merged, secrets_of
from s3mover.app.endpoints import Endpoints
from s3mover.app.factories import route_config
from s3mover.app.side_access import side_accesses
from s3mover.errors import MoverError, S3Error, SettingsError, UnreachableError
from s3mover.model import Credentials, Side
from s3mover.observe.logs import redact
from s3mover.s3.credentials import RefreshingCredentials
from s3mover.settings import Settings, routes_of
from s3mover.workers.pool.route_client import RouteClient

# Polling interval for refreshed credentials.
CREDENTIALS_SECONDS = 10.0
# Codes of refused credentials that come with status 400 (Amazon S3 API Reference, "Error responses").
_REFUSALS = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"})


class CredentialRefresher:
    """Sends refreshed credentials to the workers, which do not use AWS's credential chain themselves.

    `clock` counts seconds monotonically.
    """

    def __init__(
        self,
        current: CurrentSettings,
        route: str,
        endpoints: Endpoints,
        client: RouteClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._route = route
        self._endpoints = endpoints
        self._sent = {side: endpoints.credentials(side).credentials() for side in Side}
        self._client = client
        self._clock = clock
        self._next_poll = clock() + CREDENTIALS_SECONDS

    def poll(self) -> None:
        """Send changed credentials to the workers, at most every `CREDENTIALS_SECONDS`."""
        if self._clock() >= self._next_poll:
            self._next_poll = self._clock() + CREDENTIALS_SECONDS
            self._send_changes()

    def resolve_again(self) -> None:
        """Resolve credentials as at startup: from files, mounted secrets, the AWS default chain.

        If they cannot be read, the old ones stay; the next sweep fails and reports it.
        """
        try:
            read = self._current.read()
            self.replace(merged(self._current.settings, read, CREDENTIALS))
        except (SettingsError, UnreachableError):
            return
        self._current.update(read, CREDENTIALS)

    def replace(self, settings: Settings) -> None:
        """Use the credentials that `settings` name for this route from now on.

        Raises:
            UnreachableError: they cannot be resolved; the old ones stay.
        """
        redact([*secrets_of(self._current.settings), *secrets_of(settings)], "settings")
        for access in side_accesses(dict(routes_of(settings))[self._route]):
            self._endpoints.credentials(access.side).renew(access)
        self._send_changes()

    def configure(self) -> None:
        """Send the settings in force to the workers, for the orders that they begin from now on.

        Raises:
            UnreachableError: the credentials cannot be renewed.
        """
        self._client.configure(route_config(self._current.of(self._route), self._endpoints))

    def _send_changes(self) -> None:
        for side, sent in list(self._sent.items()):
            fresh = _fresh(self._endpoints.credentials(side))
            if fresh is not None and fresh != sent:
                self._sent[side] = fresh
                self._client.renew_credentials(side, fresh)


def _fresh(credentials: RefreshingCredentials) -> Credentials | None:
    try:
        return credentials.credentials()
    except UnreachableError:
        # Reported by the next listing, which fails, too. Transfers in flight may still use the old credentials.
        return None


def is_refusal(error: MoverError) -> bool:
    """Return whether other credentials may help against the error of a sweep."""
    if isinstance(error, S3Error):
        refused = error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        return refused or error.code in _REFUSALS
    return isinstance(error, UnreachableError)
