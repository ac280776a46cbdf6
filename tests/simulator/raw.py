"""Raw HTTP to the simulator, for what boto3 hides. Unsigned: the buckets asked must be open to everyone."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from testkit.waiting import TOO_LONG

EVERYONE = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}


class Answer(NamedTuple):
    """One answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's code, "" where there is none."""
        return self.body.partition(b"<Code>")[2].partition(b"<")[0].decode()


@contextmanager
def connected(endpoint: str, seconds: float = TOO_LONG) -> Iterator[http.client.HTTPConnection]:
    """Open one connection, on which so long a silence is an error."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=seconds)
    try:
        yield connection
    finally:
        connection.close()


def ask(endpoint: str, method: str, path: str, **told: Any) -> Answer:
    """Make one request on a connection of its own."""
    with connected(endpoint) as connection:
        connection.request(method, path, **told)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
