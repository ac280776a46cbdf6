"""The `status` command: what `/status` says, for terminals and scripts."""

import sys
import time
from collections.abc import Callable

from s3mover.commands.each_route import Echo
from s3mover.commands.status_source import Status, StatusSource
from s3mover.commands.status_table import status_lines
from s3mover.errors import ControlError, ExitCode, StatusError
from s3mover.observe.text import to_json, visible_lines

WATCH_SECONDS = 2.0
# Moves to the upper left corner and clears the screen (ECMA-48: CUP, ED).
_CLEAR = "\x1b[H\x1b[2J"


def status(
    source: StatusSource,
    echo: Echo,
    *,
    as_json: bool,
    watch: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> ExitCode:
    """Print the status once, or with `watch` until the command is interrupted.

    While it watches, an instance that does not answer is told and asked again.

    Raises:
        ControlError, StatusError: there is no answer, or it is not a status.
    """
    if not watch:
        echo(_text(source(), as_json=as_json))
        return ExitCode.OK
    clear = _CLEAR if sys.stdout.isatty() and not as_json else ""
    while True:
        try:
            text = _text(source(), as_json=as_json)
        except (ControlError, StatusError) as error:
            text = to_json({"error": str(error)}).decode() if as_json else visible_lines(str(error))
        echo(clear + text)
        sleep(WATCH_SECONDS)


def _text(found: Status, *, as_json: bool) -> str:
    if as_json:
        return to_json(found).decode()
    try:
        return "\n".join(status_lines(found))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise StatusError(
            "the answer is not the status of an s3mover of this version; use --json to see it"
        ) from error
