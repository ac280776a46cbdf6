"""The process that reads settings and prices and resolves credentials and addresses; `config_process.py` is its client.

pydantic, YAML and boto3's core cost some 40 MB and half a second, and are needed only briefly. They are loaded here,
each for the first request that needs it, and their memory is released when the process ends.
"""

import gc
import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from s3mover.app.side_access import side_accesses
from s3mover.errors import SettingsError, UnreachableError
from s3mover.helper_process import end_with_client
from s3mover.model import Side
from s3mover.s3.configured_access import resolve_from_settings
from s3mover.s3.side_access import ResolveSide, SideAccess
from s3mover.settings import Settings, routes_of
from s3mover.settings.route_selection import select_route
from s3mover.settings.serialization import dumps

Answer = dict[str, Any]


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer each request, a line of JSON with its kind and details, with one line of JSON."""
    prefetched: dict[SideAccess, Answer] = {}

    def send(answer: Answer) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    for line in requests:
        kind, details = json.loads(line)
        if kind == "resolve":
            access = SideAccess(**(details | {"side": Side(details["side"])}))
            send(prefetched.pop(access) if access in prefetched else _resolve(access))
            continue
        if kind == "prices":
            send(_prices(details))
            continue
        try:
            settings = _read(details)
        except SettingsError as error:
            send({"problems": error.problems})
            continue
        send({"settings": dumps(settings)})
        if details["prefetch"]:
            prefetched = _prefetch(settings)
            _prices({"file": "", "places": []})  # parsed once, while the client is busy


def _prices(details: Answer) -> Answer:
    from s3mover.costs.price_file import selected  # noqa: PLC0415 - as in `_read`
    from s3mover.settings.prices import read_price_content  # noqa: PLC0415

    try:
        return {"prices": selected(read_price_content(details["file"]), details["places"])}
    except SettingsError as error:
        return {"problems": error.problems}


def _read(details: Answer) -> Settings:
    from s3mover.settings.load import load  # noqa: PLC0415 - pydantic, which `resolve` does not need

    file = Path(details["file"]) if details["file"] else None
    settings = load(file, os.environ, details["overrides"], buckets=details["buckets"])
    return select_route(settings, details["route"])


def _prefetch(settings: Settings) -> dict[SideAccess, Answer]:
    """Resolve the sides that will be requested first, while the client imports its own modules."""
    return {access: _resolve(access) for access in side_accesses(routes_of(settings)[0].settings)}


def _resolve(access: SideAccess) -> Answer:
    try:
        return asdict(resolve_from_settings(access, os.environ) or _boto3()(access))
    except UnreachableError as error:
        return {"error": str(error)}


@cache
def _boto3() -> ResolveSide:
    from s3mover.s3.resolver import caching_resolver  # noqa: PLC0415 - boto3's core, which is not always needed

    return caching_resolver()


def main() -> None:
    """Run the process until its client closes the pipe of requests."""
    # Imports leave hardly any garbage, and the process ends before it could matter.
    gc.disable()
    end_with_client(sys.stdin.fileno())
    # The client may have exited without waiting for the answer.
    with suppress(BrokenPipeError):
        serve(sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
