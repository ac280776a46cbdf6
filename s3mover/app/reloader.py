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
from s3mover.lifecycle.operator_requests import OperatorRequests, Reloaded
from s3mover.observe.logs import LogListener
from s3mover.observe.redaction import redactor
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
        self._handled = requests.all_reloads

    def poll(self) -> None:
        """Reload the settings if there is a new request."""
        if self._requests.all_reloads != self._handled:
            self._handled = self._requests.all_reloads
            result = self._reload()
            self._requests.reloaded = Reloaded(
                self._handled, not isinstance(result, SettingsInvalid), _text(result)
            )
            self._notify(result)

    def _reload(self) -> SettingsReloaded | SettingsInvalid:
        old = self._current.settings
        try:
            new = self._current.read()
            names = differing(old, new)
            self._apply(new, names)
        except (SettingsError, UnreachableError) as error:
            return SettingsInvalid(str(error))
        changed = tuple(name for name in names if is_among(name, RELOADABLE))
        refused = tuple(name for name in names if not is_among(name, RELOADABLE))
        return SettingsReloaded(changed, refused)

    def _apply(self, new: Settings, names: Sequence[str]) -> None:
        refreshers = self._refreshers()
        if any(is_among(name, CREDENTIALS) for name in names):
            for refresher in refreshers:
                refresher.replace(merged(self._current.settings, new, CREDENTIALS))
        self._current.update(new, RELOADABLE)
        for refresher in refreshers:
            refresher.configure()
        self._log.set_level(self._current.settings.log.level)


def _text(result: SettingsReloaded | SettingsInvalid) -> str:
    """Return the result of a reload in a sentence."""
    if isinstance(result, SettingsInvalid):
        return redactor.clean(f"not reloaded, the old settings stay in force: {result.message}")
    changed = f"changed: {', '.join(result.changed)}" if result.changed else "nothing changed"
    return f"reloaded; {changed}" + (
        f"; only after a restart: {', '.join(result.refused)}" if result.refused else ""
    )
