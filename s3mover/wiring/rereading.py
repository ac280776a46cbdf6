"""Reads the settings again when that is wished (SIGHUP), and lets what can heed them heed them."""

from collections.abc import Sequence

from s3mover.errors import SettingsError, UnreachableError
from s3mover.events import Notify, SettingsInvalid, SettingsReloaded
from s3mover.observe.logs import LogListener
from s3mover.settings import Settings
from s3mover.wiring.credentials import CredentialKeeper
from s3mover.wiring.reloading import CREDENTIALS, RELOADABLE, Current, differing, merged
from s3mover.wishes import Wishes


class Reloader:
    """Reads again, takes over what may change under a running daemon, and says what did and what may not."""

    def __init__(
        self,
        current: Current,
        wishes: Wishes,
        keeper: CredentialKeeper,
        listeners: Sequence[Notify],
        notify: Notify,
    ) -> None:
        self._current = current
        self._wishes = wishes
        self._keeper = keeper
        self._logs = [listener for listener in listeners if isinstance(listener, LogListener)]
        self._notify = notify
        self._heard = wishes.reloads

    def look(self) -> None:
        """Read the settings again where that was wished and is not done yet."""
        if self._wishes.reloads != self._heard:
            self._heard = self._wishes.reloads
            self._reload()

    def _reload(self) -> None:
        old = self._current.settings
        try:
            read = self._current.read()
            names = differing(old, read)
            if CREDENTIALS.intersection(names):
                self._keeper.adopt(merged(old, read, CREDENTIALS))
        except (SettingsError, UnreachableError) as error:
            self._notify(SettingsInvalid(str(error)))
            return
        self._take_over(merged(old, read))
        changed = tuple(name for name in names if name in RELOADABLE)
        refused = tuple(name for name in names if name not in RELOADABLE)
        self._notify(SettingsReloaded(changed, refused))

    def _take_over(self, settings: Settings) -> None:
        self._current.settings = settings
        for log in self._logs:
            log.set_level(settings.log.level)
