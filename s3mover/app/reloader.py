"""Reloads settings on SIGHUP and applies those that can change at runtime."""

from collections.abc import Callable, Sequence

from s3mover.app.credential_refresh import CredentialRefresher
from s3mover.app.current_settings import (
    CREDENTIALS,
    RELOADABLE,
    CurrentSettings,
    differing,
    is_among,
    merged,
)
from s3mover.errors import SettingsError, UnreachableError
from s3mover.events import Notify, SettingsInvalid, SettingsReloaded
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.observe.logs import LogListener
from s3mover.settings import Settings


class Reloader:
    """Reads the settings again on request, applies the reloadable ones, and announces which changed and which did not.

    `refreshers` returns the credential refreshers of the running routes.
    """

    def __init__(
        self,
        current: CurrentSettings,
        requests: OperatorRequests,
        refreshers: Callable[[], Sequence[CredentialRefresher]],
        log: LogListener,
        notify: Notify,
    ) -> None:
        self._current = current
        self._requests = requests
        self._refreshers = refreshers
        self._log = log
        self._notify = notify
        self._handled = requests.reloads

    def poll(self) -> None:
        """Reload the settings if there is a new request."""
        if self._requests.reloads != self._handled:
            self._handled = self._requests.reloads
            self._reload()

    def _reload(self) -> None:
        old = self._current.settings
        try:
            new = self._current.read()
            names = differing(old, new)
            self._apply(new, names)
        except (SettingsError, UnreachableError) as error:
            self._notify(SettingsInvalid(str(error)))
            return
        changed = tuple(name for name in names if is_among(name, RELOADABLE))
        refused = tuple(name for name in names if not is_among(name, RELOADABLE))
        self._notify(SettingsReloaded(changed, refused))

    def _apply(self, new: Settings, names: Sequence[str]) -> None:
        refreshers = self._refreshers()
        if any(is_among(name, CREDENTIALS) for name in names):
            for refresher in refreshers:
                refresher.replace(merged(self._current.settings, new, CREDENTIALS))
        self._current.update(new, RELOADABLE)
        for refresher in refreshers:
            refresher.configure()
        self._log.set_level(self._current.settings.log.level)
