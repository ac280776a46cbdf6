"""The `pause` and `resume` commands: the pause of a pair stands in the audit database, for all instances."""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from s3mover.app.factories import pair_of
from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Trail
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.commands.operator import operator
from s3mover.errors import AuditUnavailableError, ControlError, ExitCode
from s3mover.lifecycle.control_listener import DISABLED
from s3mover.lifecycle.control_socket import send_command
from s3mover.model import Pair, Pause
from s3mover.observe.text import visible
from s3mover.settings import Settings


def pause(settings: Settings, echo: Echo, reason: str) -> ExitCode:
    """Pause every route, for all instances that share the audit database.

    Raises:
        MoverError: the audit database cannot be used, and no daemon answers on this machine.
    """
    begun = Pause(time.time(), operator(), reason)

    def record(trail: Trail, pair: Pair) -> str:
        trail.pause(pair, begun)
        return f"paused {pair}: no instance starts new work after two seconds, work in flight finishes"

    return _control(settings, echo, "pause", record)


def resume(settings: Settings, echo: Echo) -> ExitCode:
    """End the pause of every route, also one of the daemon on this machine alone.

    Raises:
        MoverError: the audit database cannot be used, and no daemon answers on this machine.
    """

    def remove(trail: Trail, pair: Pair) -> str:
        trail.resume(pair)
        return f"resumed {pair}"

    code = _control(settings, echo, "resume", remove)
    if settings.control.socket != DISABLED:
        with suppress(ControlError):  # no daemon runs here
            send_command(Path(settings.control.socket), "resume")
    return code


def _control(settings: Settings, echo: Echo, command: str, change: Callable[[Trail, Pair], str]) -> ExitCode:
    """Change the audit database for each route; while it is away, reach the daemon on this machine alone."""

    def apply(own: Settings) -> ExitCode:
        with closing(open_reader(own.audit.url.value)) as trail:
            echo(visible(change(trail, pair_of(own))))
        return ExitCode.OK

    try:
        return for_each_route(settings, echo, lambda route: apply(route.settings))
    except AuditUnavailableError:
        if settings.control.socket == DISABLED:
            raise
        answer = send_command(Path(settings.control.socket), command)
    echo(f"the audit database is unavailable, so only the daemon on this machine: {visible(answer)}")
    return ExitCode.OK
