#!/opt/s3mover/bin/python3
"""The image's HEALTHCHECK: exit code 0 while the daemon of this container says that it can make progress.

It reads the settings as the daemon does, so that it asks at the right place. No part of the daemon; Kubernetes asks
`/healthz` and `/readyz` itself.
"""

import http.client
import os
import sys

from s3mover.errors import SettingsError
from s3mover.settings.load import load

SECONDS = 5.0
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened at, and how to reach it


def main() -> int:
    """Ask `/healthz` and say what it answers."""
    try:
        place = load(None, os.environ, {}, buckets=False).http
    except SettingsError as error:
        print(error)  # noqa: T201 - a container's health log is its standard output
        return 1
    connection = http.client.HTTPConnection(
        ANY_ADDRESS.get(place.host, place.host), place.port, timeout=SECONDS
    )
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        print(answer.status, answer.read().decode().strip())  # noqa: T201
    except OSError as error:
        print(f"no answer: {error}")  # noqa: T201
        return 1
    finally:
        connection.close()
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
