"""The handle of a short-lived process (`answering.py`) that reads settings and finds credentials.

What answers are made of is imported when they come: the process is to be started before all that is loaded.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3mover.errors import SettingsError, UnreachableError

if TYPE_CHECKING:
    from s3mover.s3.side_access import ResolvedSide, SideAccess
    from s3mover.settings import Settings

COMMAND = [sys.executable, "-m", "s3mover.app.config_process_main"]

# boto3 has bounds of its own for each request; a `credential_process` has none, and whoever waits here hears no signal.
PATIENCE_SECONDS = 60.0

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SettingsRequest:
    """Which settings are wanted: of which file, None for the usual one, with which of the command line's, which route.

    The environment and the working directory are the clerk's as they are ours.
    """

    file: Path | None
    overrides: Mapping[str, object]
    route: str | None = None


class ConfigProcess:
    """A process that answers one question after the other. Belongs to one thread, which closes it.

    Questions and answers, secrets among them, go through pipes that nobody else can read.
    """

    def __init__(self) -> None:
        # A group of its own: Ctrl-C is the supervisor's to take, and what it starts ends with it.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def begin(self, settings_request: SettingsRequest, *, look_ahead: bool = False) -> None:
        """Let the settings be read; with `look_ahead` both ends of their first route are looked for, next.

        `settings` will not have to wait for all of it, nor will `find`.
        """
        file = str(settings_request.file) if settings_request.file else None
        asked = {"file": file, "overrides": dict(settings_request.overrides), "route": settings_request.route}
        self._ask("settings", asked | {"look_ahead": look_ahead})

    def settings(self) -> "Settings":
        """Return the settings that were begun to be read.

        Raises:
            SettingsError: see `load`, and `each.chosen`.
            UnreachableError: the process has died.
        """
        from s3mover.settings.serialization import loads  # noqa: PLC0415 - see above

        answer = self._answer()
        if answer is None:
            raise UnreachableError("the process that reads the settings ended unexpectedly")
        if "problems" in answer:
            raise SettingsError(answer["problems"])
        return loads(answer["settings"])

    def find(self, access: "SideAccess") -> "ResolvedSide":
        """Find one side's credentials and address.

        Raises:
            UnreachableError: see `identity.find`; or it takes too long, and this clerk is of no more use.
        """
        from s3mover.model import BucketAddress, Credentials  # noqa: PLC0415 - see above
        from s3mover.s3.side_access import ResolvedSide  # noqa: PLC0415 - see above

        self._ask("find", asdict(access))
        if not self._answers_within(PATIENCE_SECONDS):
            raise UnreachableError(
                f"{access.side}: looking for credentials took more than {PATIENCE_SECONDS:g} seconds; check what the "
                "AWS configuration names for them, such as a credential_process"
            )
        answer = self._answer()
        if answer is None:
            raise UnreachableError(
                f"{access.side}: the process that looks for credentials ended unexpectedly"
            )
        if "error" in answer:
            raise UnreachableError(answer["error"])
        return ResolvedSide(BucketAddress(*answer["address"]), Credentials(*answer["credentials"]))

    def close(self) -> None:
        """End the process, and what it may have started to find credentials; may be called again."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with suppress(BrokenPipeError):
            self._pipes[0].close()
        self._pipes[1].close()

    def _ask(self, what: str, asked: Answer) -> None:
        try:
            self._pipes[0].write(json.dumps([what, asked]) + "\n")
            self._pipes[0].flush()
        except BrokenPipeError:
            # It has died: the answer, which does not come, says so.
            return

    def _answers_within(self, seconds: float) -> bool:
        watch = select.poll()
        watch.register(self._pipes[1], select.POLLIN)
        return bool(watch.poll(seconds * 1000))

    def _answer(self) -> Answer | None:
        line = self._pipes[1].readline()
        answer: Answer | None = json.loads(line) if line else None
        return answer

    @property
    def _pipes(self) -> tuple[Any, Any]:
        return self._process.stdin, self._process.stdout


def read_settings(settings_request: SettingsRequest) -> "Settings":
    """Read settings by a clerk of their own; see `ConfigProcess.settings`."""
    with closing(ConfigProcess()) as config_process:
        config_process.begin(settings_request)
        return config_process.settings()


def find(access: "SideAccess") -> "ResolvedSide":
    """Find one side by a clerk of its own; see `ConfigProcess.find`."""
    with closing(ConfigProcess()) as config_process:
        return config_process.find(access)
