"""The demo's S3 server for a daemon in another container; it keeps adding new documents.

docker-compose.demo.yml runs it as `python -m s3mover.demo.service FOLDER ENDPOINT [--events]`. After it has filled the
source bucket it writes the settings for the daemon to FOLDER/config.yaml; with `--events` the bucket notifies a queue,
from which the daemon receives. It runs until SIGTERM or SIGINT.
"""

import sys
from collections import deque
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import click

from s3mover.demo.documents import arrivals, documents
from s3mover.demo.server import DemoServer, demo_server
from s3mover.errors import MoverError
from s3mover.lifecycle.init_process import leave_first_process
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.settings.sources import DEFAULT_FILE

ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - the daemon connects from another container
BATCH_INTERVAL_SECONDS = 3.0
BATCH_SIZE = 8
# Older new documents are deleted, so that the server's memory does not fill.
MAX_NEW_DOCUMENTS = 2000


def serve(folder: Path, endpoint_url: str, *, events: bool = False) -> None:
    """Serve at the port of `endpoint_url`, the address under which clients reach this machine, until a stop.

    Raises:
        MoverError: the server did not start or died.
    """
    stop = Stop()
    with (
        stopping_on_signals(stop, lambda: 0.0),
        demo_server(ALL_INTERFACES, urlsplit(endpoint_url).port or 0) as server,
    ):
        count = server.put(documents())
        if events:
            server.notify_queue()
        _write(folder / DEFAULT_FILE, server.settings(endpoint_url, events=events))
        click.echo(
            f"{count} documents are in {server.source.bucket}; {BATCH_SIZE} arrive every {BATCH_INTERVAL_SECONDS:g} s"
        )
        _add_documents(server, stop)


def _add_documents(server: DemoServer, stop: Stop) -> None:
    new = arrivals()
    arrived: deque[str] = deque()
    while stop.wait(BATCH_INTERVAL_SECONDS):
        batch = list(islice(new, BATCH_SIZE))
        server.put(batch)
        arrived.extend(document.key for document in batch)
        expired = [arrived.popleft() for _ in range(len(arrived) - MAX_NEW_DOCUMENTS)]
        for account in (server.source, server.destination):
            server.delete(expired, account)


def _write(path: Path, text: str) -> None:
    """Write a file atomically, so that a reader never sees a part of it."""
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def main() -> None:
    """Serve until a stop, and exit."""
    leave_first_process()
    _, folder, endpoint_url, *options = sys.argv
    try:
        serve(Path(folder), endpoint_url, events="--events" in options)
    except MoverError as error:
        click.echo(f"s3mover: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
