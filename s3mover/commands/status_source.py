"""Asks a running instance for its status: by the control socket of this machine, or by HTTP.

What comes back is not trusted: it is bounded in size and time, and must be one JSON object. Certificates of https are
verified.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from s3mover.errors import ControlError, StatusError
from s3mover.lifecycle.control_listener import DISABLED
from s3mover.lifecycle.control_socket import send_command

# Far more than the status of a hundred routes.
LARGEST = 8 * 2**20
# Of each wait, and of the whole answer.
TIMEOUT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
PIECE = 64 * 1024

Status = dict[str, Any]
# Returns the status; raises StatusError or ControlError if there is none.
StatusSource = Callable[[], Status]


def from_socket(path: str) -> StatusSource:
    """Return what asks the daemon on this machine.

    Raises:
        ControlError: the settings disable the socket.
    """
    if path == DISABLED:
        raise ControlError("control.socket is none: use --url, with the address of http.port")
    return lambda: _parsed(send_command(Path(path), "status", LARGEST).encode(), path)


def from_url(url: str) -> StatusSource:
    """Return what asks the instance at a URL, to whose path `/status` is added unless it has it.

    Raises:
        StatusError: it is not the URL of an HTTP server, or has a user name.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise StatusError("--url: is not a URL of an instance (expected e.g. http://mover:8080)")
    path = parts.path.rstrip("/")
    address = parts._replace(
        path=path if path.endswith("/status") else f"{path}/status", fragment=""
    ).geturl()
    return lambda: _parsed(_get(address), address)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which might lead away from TLS."""

    def redirect_request(self, *_: object) -> None:
        """Return None, so that the redirect becomes an error."""


def _get(address: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirect)
    deadline = time.monotonic() + ANSWER_SECONDS
    body = b""
    try:
        with opener.open(address, timeout=TIMEOUT_SECONDS) as answer:
            while len(body) <= LARGEST and (piece := answer.read1(PIECE)):
                body += piece
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the answer takes longer than {ANSWER_SECONDS:g} seconds")
    except urllib.error.HTTPError as error:
        raise StatusError(
            f"--url: {address} answered with HTTP status {error.code}; is it s3mover?"
        ) from error
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise StatusError(f"--url: {address} does not answer: {reason}") from error
    return body


def _parsed(body: bytes, place: str) -> Status:
    if len(body) > LARGEST:
        raise StatusError(f"{place}: the answer is longer than {LARGEST // 2**20} MiB")
    try:
        status = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise StatusError(f"{place}: the answer is not JSON; is it s3mover, of this version?") from error
    if not isinstance(status, dict):
        raise StatusError(f"{place}: the answer is not a status; is it s3mover, of this version?")
    return status
