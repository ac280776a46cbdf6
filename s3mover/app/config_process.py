"""Client of a short-lived process (`config_process_main.py`) that reads settings and prices and resolves credentials.

The types of answers are imported when an answer arrives, so that the process starts before they are loaded.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3mover.errors import SettingsError, UnreachableError

if TYPE_CHECKING:
    from s3mover.costs.prices import PriceBook
    from s3mover.s3.side_access import ResolvedSide, SideAccess
    from s3mover.settings import Settings

COMMAND = [sys.executable, "-m", "s3mover.app.config_process_main"]

# boto3 has timeouts for its requests. A `credential_process` has none, and would block the caller without end.
RESOLVE_TIMEOUT_SECONDS = 60.0

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SettingsRequest:
    """Which settings to read: the file (None for the default), overrides of the command line, the route (None for all).

    `buckets` says whether buckets are required. The process inherits environment and working directory.
    """

    file: Path | None
    overrides: Mapping[str, object]
    route: str | None = None
    buckets: bool = True


class ConfigProcess:
    """A process that answers one request after the other. Used and closed by one thread.

    Requests and answers contain secrets; they go through pipes that no other process can read.
    """

    def __init__(self) -> None:
        # A process group of its own: Ctrl-C reaches only the supervisor, and `close` kills child processes, too.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def request_settings(self, request: SettingsRequest, *, prefetch: bool = False) -> None:
        """Start reading the settings; `prefetch` then resolves both ends of the first route.

        A later `settings` and `resolve` wait only for what is not finished yet.
        """
        file = str(request.file) if request.file else None
        details = {"file": file, "overrides": dict(request.overrides), "route": request.route}
        self._send("settings", details | {"buckets": request.buckets, "prefetch": prefetch})

    def settings(self) -> "Settings":
        """Return the settings that were requested.

        Raises:
            SettingsError: see `load` and `select_route`.
            UnreachableError: the process died.
        """
        from s3mover.settings.serialization import loads  # noqa: PLC0415 - see above

        answer = self._receive()
        if answer is None:
            raise UnreachableError("the process that reads the settings ended unexpectedly")
        if "problems" in answer:
            raise SettingsError(answer["problems"])
        return loads(answer["settings"])

    def resolve(self, access: "SideAccess") -> "ResolvedSide":
        """Return the credentials and the address of one side.

        Raises:
            UnreachableError: see `s3.resolver`; or it takes too long, and this process cannot be used any more.
        """
        from s3mover.model import BucketAddress, Credentials  # noqa: PLC0415 - see above
        from s3mover.s3.side_access import ResolvedSide  # noqa: PLC0415 - see above

        self._send("resolve", asdict(access))
        if not self._answers_within(RESOLVE_TIMEOUT_SECONDS):
            raise UnreachableError(
                f"{access.label}: resolving credentials took more than {RESOLVE_TIMEOUT_SECONDS:g} seconds; check the "
                "AWS configuration, such as a credential_process"
            )
        answer = self._receive()
        if answer is None:
            raise UnreachableError(
                f"{access.label}: the process that resolves credentials ended unexpectedly"
            )
        if "error" in answer:
            raise UnreachableError(answer["error"])
        return ResolvedSide(BucketAddress(*answer["address"]), Credentials(*answer["credentials"]))

    def prices(self, file: str, places: Sequence[str]) -> "PriceBook":
        """Return the prices of those regions and stores; `file` is that of `prices.file`.

        Raises:
            SettingsError: the file has become invalid since the settings were read.
            UnreachableError: the process died.
        """
        from s3mover.costs.price_file import price_book  # noqa: PLC0415 - see above

        self._send("prices", {"file": file, "places": list(places)})
        answer = self._receive()
        if answer is None:
            raise UnreachableError("the process that reads the prices ended unexpectedly")
        if "problems" in answer:
            raise SettingsError(answer["problems"])
        return price_book(answer["prices"])

    def close(self) -> None:
        """Kill the process and any process it started; may be called again."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with suppress(BrokenPipeError):
            self._pipes[0].close()
        self._pipes[1].close()

    def _send(self, kind: str, details: Answer) -> None:
        try:
            self._pipes[0].write(json.dumps([kind, details]) + "\n")
            self._pipes[0].flush()
        except BrokenPipeError:
            # The process died; `_receive` finds that no answer comes.
            return

    def _answers_within(self, seconds: float) -> bool:
        poller = select.poll()
        poller.register(self._pipes[1], select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def _receive(self) -> Answer | None:
        line = self._pipes[1].readline()
        answer: Answer | None = json.loads(line) if line else None
        return answer

    @property
    def _pipes(self) -> tuple[Any, Any]:
        return self._process.stdin, self._process.stdout


def read_settings(request: SettingsRequest) -> "Settings":
    """Read settings in a new process; see `ConfigProcess.settings`."""
    with closing(ConfigProcess()) as config_process:
        config_process.request_settings(request)
        return config_process.settings()


def resolve(access: "SideAccess") -> "ResolvedSide":
    """Resolve one side in a new process; see `ConfigProcess.resolve`."""
    with closing(ConfigProcess()) as config_process:
        return config_process.resolve(access)
