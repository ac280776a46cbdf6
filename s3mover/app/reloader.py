"""Reads the settings again when that is wished (SIGHUP), and lets what can heed them heed them."""

from collections.abc import Callable, Sequence

from s3mover.app.credential_refresh import CredentialRefresher
from s3mover.app.current_settings import CREDENTIALS, RELOADABLE, Current, differing, is_among, merged
from s3mover.errors import SettingsError, UnreachableError
from s3mover.events import Notify, SettingsInvalid, SettingsReloaded
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.observe.logs import LogListener
from s3mover.settings import Settings


class Reloader:
    """Reads again, takes over what may change under a running daemon, and says what did and what may not.

    `refreshers` returns those of the routes that are at work now.
    """

    def __init__(
        self,
        current: Current,
        requests: OperatorRequests,
        refreshers: Callable[[], Sequence[CredentialRefresher]],
        log: LogListener,
        notify: Notify,
    ) -> None:
        self._current = current
        self._wishes = requests
        self._keepers = refreshers
        self._log = log
        self._notify = notify
        self._heard = requests.reloads

    def poll(self) -> None:
        """Read the settings again where that was wished and is not done yet."""
        if self._wishes.reloads != self._heard:
            self._heard = self._wishes.reloads
            self._reload()

    def _reload(self) -> None:
        old = self._current.settings
        try:
            read = self._current.read()
            names = differing(old, read)
            self._take_over(read, names)
        except (SettingsError, UnreachableError) as error:
            self._notify(SettingsInvalid(str(error)))
            return
        changed = tuple(name for name in names if is_among(name, RELOADABLE))
        refused = tuple(name for name in names if not is_among(name, RELOADABLE))
        self._notify(SettingsReloaded(changed, refused))

    def _take_over(self, read: Settings, names: Sequence[str]) -> None:
        refreshers = self._keepers()
        if any(is_among(name, CREDENTIALS) for name in names):
            for refresher in refreshers:
                refresher.adopt(merged(self._current.settings, read, CREDENTIALS))
        self._current.take_over(read, RELOADABLE)
        for refresher in refreshers:
            refresher.configure()
        self._log.set_level(self._current.settings.log.level)
