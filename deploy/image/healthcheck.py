#!/opt/s3mover/bin/python3
"""The image's HEALTHCHECK: exits with 0 if `/healthz` of the daemon in this container answers 200.

It reads the settings as the daemon does, to use the same host and port. Kubernetes does not use it: its probes request
`/healthz` and `/readyz`.
"""

import http.client
import os
import sys

from s3mover.errors import SettingsError
from s3mover.settings.load import load

SECONDS = 5.0
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - the address listened on, and how to reach it


def main() -> int:
    """Request `/healthz` and print the answer."""
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
