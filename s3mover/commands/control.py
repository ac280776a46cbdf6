"""The `pause` and `resume` commands."""

from pathlib import Path

from s3mover.commands.each_route import Echo
from s3mover.errors import ExitCode, SettingsError
from s3mover.lifecycle.control_listener import DISABLED
from s3mover.lifecycle.control_socket import send_command
from s3mover.observe.text import visible
from s3mover.settings import Settings


def control(settings: Settings, command: str, echo: Echo) -> ExitCode:
    """Send `pause` or `resume` to the daemon that runs with these settings, and print its answer.

    Raises:
        SettingsError: the control socket is disabled.
        ControlError: no daemon answers.
    """
    if settings.control.socket == DISABLED:
        raise SettingsError(["control.socket: is none, so no daemon can be controlled; set it to a path"])
    echo(visible(send_command(Path(settings.control.socket), command)))
    return ExitCode.OK
