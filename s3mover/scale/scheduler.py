"""The process that runs Dask's scheduler: it knows the machines and places tasks on them, and nothing of S3."""

import asyncio
import tempfile
from collections.abc import Callable
from typing import Any

import dask.config
from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from s3mover.errors import SettingsError
from s3mover.events import Notify
from s3mover.scale.dask_setup import DASHBOARD_PORT, WithoutHttp, configure_dask
from s3mover.scale.machine_list import LEAVING, changes, machines_of
from s3mover.scale.messages import Machine
from s3mover.scale.reach import reason_of
from s3mover.scale.security import open_security, renew
from s3mover.settings.model import ScaleSettings
from s3mover.settings.validators import is_loopback

TICK_SECONDS = 0.1
CLOSE_SECONDS = 2.0


def serve_scheduler(
    scale: ScaleSettings, host: str, port: int, notify: Notify, stopping: Callable[[], bool]
) -> None:
    """Run a scheduler until `stopping` returns True, and announce which machines come and go.

    Raises:
        SettingsError: it cannot listen there, its certificate cannot be used, or there is none.
    """
    if not scale.certificate_file and not is_loopback(host):
        problem = (
            f"scale.certificate_file: is not set, and without TLS a scheduler listens on loopback only, not on {host}; "
            "set scale.ca_file, scale.certificate_file and scale.key_file, or --host 127.0.0.1"
        )
        raise SettingsError([problem])
    configure_dask(notify, encrypted=bool(scale.certificate_file), dashboard=scale.dashboard)
    with tempfile.TemporaryDirectory(prefix="s3mover-", ignore_cleanup_errors=True) as folder:
        dask.config.set({"temporary-directory": folder})
        asyncio.run(_serve(scale, host, port, notify, stopping))


async def _serve(
    scale: ScaleSettings, host: str, port: int, notify: Notify, stopping: Callable[[], bool]
) -> None:
    leaving = _Leaving()
    security = open_security(scale)
    scheduler = (Scheduler if scale.dashboard else _SchedulerWithoutHttp)(
        host=f"[{host}]" if ":" in host else host,
        port=port,
        protocol="tls" if scale.certificate_file else "tcp",
        security=security,
        dashboard=scale.dashboard,
        dashboard_address=f"127.0.0.1:{DASHBOARD_PORT}",
        plugins=[leaving],
    )
    try:
        await scheduler
    except (OSError, RuntimeError) as error:
        problem = f"--host, --port: cannot listen on {host} port {port}: {reason_of(error)}"
        raise SettingsError([problem]) from error
    known: dict[str, Machine] = {}
    while not stopping():
        before, known = known, machines_of(scheduler.identity())
        for event in changes(before, known, leaving.addresses):
            notify(event)
        leaving.addresses &= known.keys()
        renew(security)
        await asyncio.sleep(TICK_SECONDS)
    async with asyncio.timeout(CLOSE_SECONDS):
        await scheduler.close(reason="stop")


class _SchedulerWithoutHttp(WithoutHttp, Scheduler):  # type: ignore[misc]  # without types
    """Dask's scheduler without its HTTP port."""


class _Leaving(SchedulerPlugin):  # type: ignore[misc]  # without types
    """Remembers which machines have said that they leave."""

    def __init__(self) -> None:
        self.addresses: set[str] = set()

    def log_event(self, _topic: str, message: Any) -> None:
        """Take note of what a machine published."""
        if isinstance(message, dict) and message.get("action") == LEAVING:
            self.addresses.add(message["worker"])
