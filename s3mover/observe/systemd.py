"""Tells a service manager how the daemon is, where one asks for it: sd_notify(3) in a few lines of our own.

A datagram of `NAME=VALUE` lines to the socket of `$NOTIFY_SOCKET`. Without that variable nothing is sent.
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
    """A `Notify` that passes on readiness and state, and with `heartbeat` the sign of life that a watchdog waits for.

    `clock` counts seconds steadily, as CLOCK_MONOTONIC does.
    """

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        # A name that begins with @ is in the abstract namespace, which systems write with a NUL (unix(7)).
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._clock = clock
        self._every = _half_of_the_watchdog(environ) if name else 0.0
        self._next_beat = clock()

    def __call__(self, event: Event) -> None:
        """Pass on what a service manager wants to know of `event`."""
        if self._address:
            for message in self._messages(event):
                self._send(message)

    def heartbeat(self) -> None:
        """Give the sign of life, as often as the watchdog wants it; called while every loop moves."""
        if self._every and self._clock() >= self._next_beat:
            self._next_beat = self._clock() + self._every
            self._send("WATCHDOG=1")

    def _messages(self, event: Event) -> list[str]:
        match event:
            case LeaseAcquired() | LeaseWaiting():
                return [f"READY=1\n{_status(event)}"]
            case SettingsReloaded() | SettingsInvalid():
                # For Type=notify-reload, which wants to see the beginning as well as the end.
                return [f"RELOADING=1\nMONOTONIC_USEC={round(self._clock() * _MICROSECONDS)}", "READY=1"]
            case DaemonStopping():
                return [f"STOPPING=1\n{_status(event)}"]
            case SweepStarted() | SweepFinished() | DaemonPaused() | DaemonResumed():
                return [_status(event)]
            case _:
                return []

    def _send(self, message: str) -> None:
        # A service manager that does not listen must not stop the work.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(message.encode(errors="backslashreplace"), self._address)


def _status(event: Event) -> str:
    """Write the event's name and fields on one line, as in `STATUS=sweep.finished: 3 completed ...`."""
    names: tuple[str, ...] = event.__match_args__
    fields = (getattr(event, name) for name in names)
    said = " ".join(str(field) for field in fields if isinstance(field, str | int))
    return " ".join(f"STATUS={event.name} {said}".split())


def _half_of_the_watchdog(environ: Mapping[str, str]) -> float:
    """Return the seconds between two signs of life (sd_watchdog_enabled(3)); 0 where none is waited for."""
    text, whose = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not text.isdecimal() or whose not in {"", str(os.getpid())}:
        return 0.0
    return int(text) / _MICROSECONDS / 2
