"""The control port: `POST /_control/COMMAND` with a JSON object of arguments, answered with JSON.

The commands are `Commands`'s public methods. On loopback only, apart from the port that speaks S3.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from simulator.commands import Commands
from simulator.wire import Exchange, Reply, Request

_PATH = "/_control/"


class ControlExchange:
    """One command being carried out."""

    def __init__(self, commands: Mapping[str, Callable[..., Any]], request: Request) -> None:
        self._command = commands.get(request.path.removeprefix(_PATH))
        self._body = bytearray()

    def refused(self) -> bool:
        """Take every body."""
        return False

    def take(self, data: bytes) -> None:
        """Take further bytes of the arguments."""
        self._body += data

    def finish(self) -> Reply:
        """Carry out the command; what it can't do is answered with 400 and the reason."""
        if self._command is None:
            return _reply(404, {"error": "no such command"})
        try:
            return _reply(200, self._command(**json.loads(self._body or b"{}")))
        except (KeyError, TypeError, ValueError) as error:
            return _reply(400, {"error": f"{type(error).__name__}: {error}"})


def _reply(status: int, result: object) -> Reply:
    return Reply(status, [("Content-Type", "application/json")], json.dumps(result).encode())


class ControlService:
    """Answers the control port."""

    def __init__(self, commands: Commands) -> None:
        names = [name for name in dir(commands) if not name.startswith("_")]
        self._commands = {name: getattr(commands, name) for name in names}

    def open(self, request: Request) -> Exchange:
        """Begin a command."""
        return ControlExchange(self._commands, request)
