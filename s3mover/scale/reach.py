"""Whether the scheduler can be reached, and if not, why, in one sentence."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from distributed import Security, rpc

from s3mover.errors import MoverError, UnreachableError
from s3mover.scale.dask_setup import CONNECT_SECONDS
from s3mover.settings.model import ScaleSettings

_ANSWER_SECONDS = 2 * CONNECT_SECONDS


async def ask_scheduler(scale: ScaleSettings, security: Security) -> Any:
    """Return the scheduler's description of itself and of its machines.

    Raises:
        UnreachableError: it cannot be reached, does not answer, or one of us refuses the other's certificate.
    """
    arguments = security.get_connection_args("client")
    try:
        async with (
            asyncio.timeout(_ANSWER_SECONDS),
            rpc(scale.scheduler, connection_args=arguments) as remote,
        ):
            return await remote.identity()
    except OSError as error:
        refusal = await asyncio.to_thread(_refusal, scale.scheduler)
        raise UnreachableError(refusal or _connection_problem(error)) from error


def local_address(scheduler: str) -> str:
    """Return the address of this machine from which it reaches the scheduler, and where its peers reach it.

    Raises:
        OSError: there is none.
    """
    url = urlsplit(scheduler)
    family, kind, _, _, address = socket.getaddrinfo(url.hostname, url.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as unsent:  # connecting a datagram socket sends nothing
        unsent.connect(address)
        host: str = unsent.getsockname()[0]
    return f"[{host}]" if family == socket.AF_INET6 else host


def reason_of(error: BaseException) -> str:
    """Return the reason behind an error: Dask wraps others in its own, ours say it themselves."""
    if isinstance(error, MoverError):
        return str(error)
    return next(filter(None, map(str, reversed(list(_causes(error))))), type(error).__name__)


def _refusal(scheduler: str) -> str:
    """Return why no connection can be opened, an empty string if one can.

    Dask repeats its attempts until its time is over, and the last one may say nothing but that.
    """
    url = urlsplit(scheduler)
    try:
        socket.create_connection((url.hostname or "", url.port or 0), CONNECT_SECONDS).close()
    except OSError as error:
        return str(error)
    return ""


def _connection_problem(error: OSError) -> str:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {cause.verify_message}; check scale.ca_file on both sides"
    if isinstance(error, TimeoutError):
        return f"no answer within {_ANSWER_SECONDS} seconds"
    # The refusal of a certificate arrives as an alert or as the end of the connection, whichever is first.
    if isinstance(causes[-1], ssl.SSLError) or (isinstance(causes[-1], OSError) and causes[-1].errno is None):
        return (
            "it closed the connection, as a scheduler does that refuses our certificate or uses no TLS; check "
            "scale.certificate_file and scale.ca_file on both sides"
        )
    return reason_of(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
