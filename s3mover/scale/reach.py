"""Whether the scheduler can be reached, and if not, why, in one sentence."""

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

from distributed import rpc

from s3mover.scale.dask_setup import CONNECT_SECONDS
from s3mover.settings.model import ScaleSettings


async def ask_scheduler(scale: ScaleSettings, connection_args: Any) -> Any:
    """Return the scheduler's description of itself and of its machines.

    Raises:
        OSError: it cannot be reached, does not answer, or refuses our certificate.
    """
    async with (
        asyncio.timeout(2 * CONNECT_SECONDS),
        rpc(scale.scheduler, connection_args=connection_args) as remote,
    ):
        return await remote.identity()


def reason_of(error: BaseException) -> str:
    """Return the reason behind an error of Dask, which wraps those of the connection."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or cause}"
    root = list(_causes(error))[-1]
    return str(root) or str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
