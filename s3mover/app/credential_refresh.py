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

# Polling interval for refreshed credentials. Refused ones are resolved again at once, then after waits that grow to
# the longest, because that starts a process each time.
CREDENTIALS_SECONDS = 10.0
LONGEST_RESOLVE_SECONDS = 60.0
# Codes of refused credentials that come with status 400 (Amazon S3 API Reference, "Error responses").
_REFUSALS = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"})
# Codes of credentials that are refused themselves, whatever they ask for; the last one comes with 403.
_INVALID = _REFUSALS | {"SignatureDoesNotMatch"}


class CredentialRefresher:
    """Sends refreshed credentials to the workers, which do not use AWS's credential chain themselves.

    `clock` counts seconds monotonically. `renewals` counts changes that may help after a refusal.
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
        self._refusal: MoverError | None = None
        self._resolve_at = self._resolve_wait = 0.0
        self.renewals = 0

    def poll(self) -> None:
        """Send changed credentials to the workers, and resolve refused ones again, when that is due."""
        now = self._clock()
        if self._refusal is not None and now >= self._resolve_at:
            self._resolve_wait = min(
                max(CREDENTIALS_SECONDS, 2 * self._resolve_wait), LONGEST_RESOLVE_SECONDS
            )
            self._resolve_at = now + self._resolve_wait
            self._resolve_again()
        if now >= self._next_poll:
            self._next_poll = now + CREDENTIALS_SECONDS
            self._send_changes()

    def sweep_ended(self, error: MoverError | None) -> None:
        """Note whether a sweep failed because its credentials were refused; until one is not, resolve them again."""
        refusal = error if error is not None and is_refusal(error) else None
        if refusal is None or self._refusal is None:
            self._resolve_at = self._resolve_wait = 0.0
        self._refusal = refusal

    def _resolve_again(self) -> None:
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
        changed = settings != self._current.settings
        for access in side_accesses(dict(routes_of(settings))[self._route]):
            self._endpoints.credentials(access.side).renew(access)
        self._send_changes()
        self.renewals += changed

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
                self.renewals += may_help(self._refusal, fresh)
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


def may_help(refusal: MoverError | None, fresh: Credentials) -> bool:
    """Return whether changed credentials may help after `refusal`, so that the next sweep need not wait.

    | refused were                  | changed credentials    | may help |
    |-------------------------------|------------------------|----------|
    | nothing                       | any                    | no       |
    | the credentials themselves    | any                    | yes      |
    | what they asked for           | keys without an end    | yes      |
    | what they asked for           | a session of some role | no       |

    Each session of a role has the same permissions, and may be new each time that it is resolved.
    """
    if isinstance(refusal, S3Error) and refusal.code not in _INVALID:
        return not fresh.session_token
    return refusal is not None
