"""Notifies a service manager such as systemd of readiness, state and liveness (sd_notify(3)).

Each notification is a datagram of `NAME=VALUE` lines to the socket `$NOTIFY_SOCKET`; none is sent without it.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

from s3mover.events import (
    DaemonPaused,
    DaemonResumed,
    DaemonStopping,
    Event,
    LeaseAcquired,
    LeaseWaiting,
    SettingsInvalid,
    SettingsReloaded,
    SweepFinished,
    SweepStarted,
)

_MICROSECONDS = 1_000_000


class ServiceNotifier:
    """A `Notify` that sends readiness and state, and with `heartbeat` the keep-alive for the manager's watchdog.

    `clock` returns the seconds of CLOCK_MONOTONIC.
    """

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        # A name that begins with @ is in the abstract namespace, whose names begin with NUL (unix(7)).
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._clock = clock
        self._interval = _keep_alive_interval(environ) if name else 0.0
        self._next_heartbeat = clock()

    def __call__(self, event: Event) -> None:
        """Send the notifications for `event`."""
        if self._address:
            for message in self._messages(event):
                self._send(message)

    def heartbeat(self) -> None:
        """Send the keep-alive if it is due; called while all sweep loops make progress."""
        if self._interval and self._clock() >= self._next_heartbeat:
            self._next_heartbeat = self._clock() + self._interval
            self._send("WATCHDOG=1")

    def _messages(self, event: Event) -> list[str]:
        match event:
            case LeaseAcquired() | LeaseWaiting():
                return [f"READY=1\n{_status(event)}"]
            case SettingsReloaded() | SettingsInvalid():
                # Type=notify-reload requires a notification at the start and at the end.
                return [f"RELOADING=1\nMONOTONIC_USEC={round(self._clock() * _MICROSECONDS)}", "READY=1"]
            case DaemonStopping():
                return [f"STOPPING=1\n{_status(event)}"]
            case SweepStarted() | SweepFinished() | DaemonPaused() | DaemonResumed():
                return [_status(event)]
            case _:
                return []

    def _send(self, message: str) -> None:
        # A service manager that does not listen must not stop s3mover.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(message.encode(errors="backslashreplace"), self._address)


def _status(event: Event) -> str:
    """Return the event's name and fields on one line, as in `STATUS=sweep.finished 3 completed`."""
    names: tuple[str, ...] = event.__match_args__
    fields = (getattr(event, name) for name in names)
    text = " ".join(str(field) for field in fields if isinstance(field, str | int))
    return " ".join(f"STATUS={event.name} {text}".split())


def _keep_alive_interval(environ: Mapping[str, str]) -> float:
    """Return half the watchdog's timeout in seconds (sd_watchdog_enabled(3)); 0 without a watchdog for this process."""
    timeout, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not timeout.isdecimal() or pid not in {"", str(os.getpid())}:
        return 0.0
    return int(timeout) / _MICROSECONDS / 2
