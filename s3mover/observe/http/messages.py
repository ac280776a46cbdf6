"""HTTP requests and responses as records, and their bytes. Opens no socket."""

import io
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import NamedTuple

TEXT = "text/plain; charset=utf-8"


class Request(NamedTuple):
    """The parts of a request that are used."""

    method: str
    path: str
    accept: str


class Response(NamedTuple):
    """A response; `policy` is its Content-Security-Policy, which by default permits nothing."""

    status: HTTPStatus
    body: bytes
    content_type: str = TEXT
    policy: str = "default-src 'none'; frame-ancestors 'none'"


def parse_request(head: bytes) -> Request | None:
    """Parse the request line and headers (RFC 9112, sections 3 and 5); return None if they are malformed."""
    lines = io.BytesIO(head)
    words = lines.readline().decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target, version
        return None
    try:
        headers = parse_headers(lines)
    except HTTPException:
        return None
    return Request(words[0], words[1], ", ".join(headers.get_all("Accept", [])))


def encode_response(response: Response, *, with_body: bool) -> bytes:
    """Return the bytes of a response after which the connection closes."""
    allow = "Allow: GET, HEAD\r\n" if response.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
        "Server: s3mover\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        f"Content-Security-Policy: {response.policy}\r\n"
        "Referrer-Policy: no-referrer\r\n"
        f"{allow}"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (response.body if with_body else b"")
