"""Keeps both ends' credentials fresh: refreshed ones go down to the workers, refused ones are looked for anew."""

import time
from collections.abc import Callable
from http import HTTPStatus

from s3mover.app.current_settings import CREDENTIALS, Current, merged, secrets_of
from s3mover.app.factories import Endpoints, route_config
from s3mover.app.side_access import side_access
from s3mover.errors import MoverError, S3Error, SettingsError, UnreachableError
from s3mover.model import Credentials, Side
from s3mover.observe.logs import redact
from s3mover.s3.credentials import RefreshingCredentials
from s3mover.settings import Settings, routes_of
from s3mover.workers.pool.route_client import RouteClient

# How often it is looked whether credentials were refreshed.
CREDENTIALS_SECONDS = 10.0
# What S3 says of credentials with status 400 (Amazon S3 API Reference, "Error responses").
_REFUSALS = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"})


class CredentialRefresher:
    """Sends refreshed credentials down to the workers, who know nothing of AWS's credential chain.

    `clock` counts seconds steadily.
    """

    def __init__(
        self,
        current: Current,
        route: str,
        sides: Endpoints,
        client: RouteClient,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._route = route
        self._sides = sides
        self._identities = {Side.SOURCE: sides.source_identity, Side.DESTINATION: sides.destination_identity}
        self._known = {side: identity.credentials() for side, identity in self._identities.items()}
        self._client = client
        self._clock = clock
        self._next_look = clock() + CREDENTIALS_SECONDS

    def poll(self) -> None:
        """Send down what has changed, at most every `CREDENTIALS_SECONDS`."""
        if self._clock() >= self._next_look:
            self._next_look = self._clock() + CREDENTIALS_SECONDS
            self._send_changes()

    def resolve_again(self) -> None:
        """Look for credentials as at the start: in files, in mounted secrets, in the AWS default chain.

        What cannot be read now leaves the old ones, and is said by the next sweep's failure.
        """
        try:
            said = self._current.read()
            self.adopt(merged(self._current.settings, said, CREDENTIALS))
        except (SettingsError, UnreachableError):
            return
        self._current.take_over(said, CREDENTIALS)

    def adopt(self, settings: Settings) -> None:
        """Use the credentials that `settings` name for this route from now on.

        Raises:
            UnreachableError: there are none; the old ones stay.
        """
        redact([*secrets_of(self._current.settings), *secrets_of(settings)], "settings")
        its = dict(routes_of(settings))[self._route]
        for side, ours in ((Side.SOURCE, its.source), (Side.DESTINATION, its.destination)):
            self._identities[side].renew(side_access(side, ours))
        self._send_changes()

    def configure(self) -> None:
        """Let the workers treat what they begin from now on by the settings in force.

        Raises:
            UnreachableError: the credentials cannot be renewed.
        """
        self._client.configure(route_config(self._current.of(self._route), self._sides))

    def _send_changes(self) -> None:
        for side, identity in self._identities.items():
            fresh = self._fresh(identity)
            if fresh is not None and fresh != self._known[side]:
                self._known[side] = fresh
                self._client.renew_credentials(side, fresh)

    def _fresh(self, identity: RefreshingCredentials) -> Credentials | None:
        try:
            return identity.credentials()
        except UnreachableError:
            # Said by the next listing, which cannot go on either; what runs may still use the old ones.
            return None


def is_refusal(error: MoverError) -> bool:
    """Tell whether a sweep's error may be mended by other credentials."""
    if isinstance(error, S3Error):
        refused = error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        return refused or error.code in _REFUSALS
    return isinstance(error, UnreachableError)
