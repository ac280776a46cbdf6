"""The demo's S3 server on its own, for a daemon in another container: filled, and new documents keep arriving.

Run as `python -m s3mover.demo.service FOLDER ENDPOINT`, by docker-compose.yml. Once the source bucket is filled, the
settings that lead there lie in FOLDER/config.yaml. It goes on until SIGTERM or SIGINT.
"""

import os
import sys
from collections import deque
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import click

from s3mover.demo.documents import arrivals, documents
from s3mover.demo.server import DemoServer, demo_server
from s3mover.errors import MoverError, SettingsError
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop, handle_term_as_first_process
from s3mover.settings.sources import DEFAULT_FILE

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the daemon calls from another container
PAUSE_SECONDS = 3.0
ARRIVING = 8
# Of the documents that arrived, the newest so many stay, so that the server's memory never fills.
KEPT = 2000


def serve(folder: Path, endpoint_url: str) -> None:
    """Serve at the port of `endpoint_url`, the address by which others call this machine, until told to stop.

    Raises:
        MoverError: the server did not start, or is gone; or real buckets are named, which it does not have.
    """
    if named := [name for name in ("SRC_BUCKET", "DST_BUCKET") if os.environ.get(name)]:
        raise SettingsError(
            [f"{named[0]} names a bucket of yours, which the demo has not: put your .env aside"]
        )
    stop = Stop()
    with (
        stopping_on_signals(stop, lambda: 0.0),
        demo_server(EVERYWHERE, urlsplit(endpoint_url).port or 0) as server,
    ):
        count = server.put(documents())
        _write(folder / DEFAULT_FILE, server.settings(endpoint_url))
        click.echo(
            f"{count} documents lie in {server.source.bucket}; {ARRIVING} arrive every {PAUSE_SECONDS:g} s"
        )
        _let_arrive(server, stop)


def _let_arrive(server: DemoServer, stop: Stop) -> None:
    coming = arrivals()
    arrived: deque[str] = deque()
    while stop.wait(PAUSE_SECONDS):
        batch = list(islice(coming, ARRIVING))
        server.put(batch)
        arrived.extend(document.key for document in batch)
        expired = [arrived.popleft() for _ in range(len(arrived) - KEPT)]
        for account in (server.source, server.destination):
            server.delete(expired, account)


def _write(path: Path, text: str) -> None:
    """Put a file in place at once: whoever waits for it never sees half of it."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def main() -> None:
    """Serve, and end the program."""
    handle_term_as_first_process()
    _, folder, endpoint_url = sys.argv
    try:
        serve(Path(folder), endpoint_url)
    except MoverError as error:
        click.echo(f"s3mover: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
