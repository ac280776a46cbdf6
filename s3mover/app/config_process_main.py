"""The clerk's process: it reads the settings, then finds who signs for their sides and where their buckets answer.

pydantic, YAML and boto3's core cost some 40 MB and half a second, and are needed for moments only: here they are
loaded, each for the first question that needs it, and go with the process. `config_process.py` holds it and speaks to it.
"""

import gc
import json
import os
import select
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from s3mover.app.side_access import side_accesses
from s3mover.errors import SettingsError, UnreachableError
from s3mover.model import Side
from s3mover.s3.configured_access import resolve_from_settings
from s3mover.s3.side_access import ResolveSide, SideAccess
from s3mover.settings import Settings, routes_of
from s3mover.settings.route_selection import select_route
from s3mover.settings.serialization import dumps

Answer = dict[str, Any]


def serve(questions: TextIO, answers: TextIO) -> None:
    """Answer each line, a pair of what is asked and its details in JSON, with a line."""
    ahead: dict[SideAccess, Answer] = {}

    def answer(said: Answer) -> None:
        answers.write(json.dumps(said) + "\n")
        answers.flush()

    for line in questions:
        what, asked = json.loads(line)
        if what == "find":
            access = SideAccess(**(asked | {"side": Side(asked["side"])}))
            answer(ahead.pop(access) if access in ahead else _found(access))
            continue
        try:
            settings = _read(asked)
        except SettingsError as error:
            answer({"problems": error.problems})
            continue
        answer({"settings": dumps(settings)})
        if asked["look_ahead"]:
            ahead = _looked_for(settings)


def _read(asked: Answer) -> Settings:
    from s3mover.settings.load import load  # noqa: PLC0415 - pydantic, which finding does without

    file = Path(asked["file"]) if asked["file"] else None
    return select_route(load(file, os.environ, asked["overrides"]), asked["route"])


def _looked_for(settings: Settings) -> dict[SideAccess, Answer]:
    """Look for the sides that will be asked for first, while whoever asks loads what it needs."""
    return {access: _found(access) for access in side_accesses(routes_of(settings)[0].settings)}


def _found(access: SideAccess) -> Answer:
    try:
        return asdict(resolve_from_settings(access, os.environ) or _boto3()(access))
    except UnreachableError as error:
        return {"error": str(error)}


@cache
def _boto3() -> ResolveSide:
    from s3mover.s3.resolver import caching_resolver  # noqa: PLC0415 - boto3's core, which is not always needed

    return caching_resolver()


def main() -> None:
    """Be the clerk's process, which ends with whoever holds the other end of its questions."""
    # What is loaded leaves hardly any garbage, and the process ends before it could matter.
    gc.disable()
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), name="watch", daemon=True).start()
    # Who asked may be gone before it has heard the answer.
    with suppress(BrokenPipeError):
        serve(sys.stdin, sys.stdout)


def _end_with(questions: int) -> None:
    """End this process's group once nobody is left to ask: a `credential_process` that never answers, too."""
    watch = select.poll()
    # That the pipe was hung up is always told.
    watch.register(questions, 0)
    watch.poll()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
