"""Dask's own configuration and logs, as every process of the cluster has them.

What stands in the user's files and environment for Dask does not count: an encryption that they could switch off would
be none.
"""

import logging
from collections.abc import Mapping
from typing import Any

import dask.config

from s3mover.events import DaskFailed, DaskWarned, Notify

# Seconds. Below 11, `tcp` breaks every connection, because the kernel takes that for its retransmissions.
CONNECT_SECONDS = 3
DASHBOARD_PORT = 8787

_SETTINGS: Mapping[str, object] = {
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
    "distributed.comm.timeouts.tcp": "12s",
    # A machine that hangs is lost after this time.
    "distributed.scheduler.worker-ttl": "5s",
    # The supervisor decides on a second attempt, after the fence.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": True,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.worker.profile.enabled": False,
    "distributed.diagnostics.nvml": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    # Code that the user's configuration would load.
    "distributed.scheduler.preload": [],
    "distributed.worker.preload": [],
    "distributed.client.preload": [],
    # What a plain HTTP port would serve.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
_DASHBOARD_ROUTES = [
    "distributed.http.scheduler.info",
    "distributed.http.scheduler.json",
    "distributed.http.health",
    "distributed.http.statics",
]
# Those on which `distributed` puts handlers that write to standard error, and the one of its event loop.
_LOGGERS = (
    "distributed", "distributed.client", "distributed.gc", "bokeh", "tornado", "tornado.application", "asyncio",
)  # fmt: skip


def configure_dask(notify: Notify, *, encrypted: bool, dashboard: bool = False) -> None:
    """Configure Dask in this process, and announce its warnings and errors as events."""
    routes = {"distributed.scheduler.http.routes": list(_DASHBOARD_ROUTES)} if dashboard else {}
    dask.config.set({**_SETTINGS, "distributed.comm.require-encryption": encrypted, **routes})
    handler = _EventHandler(notify)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)


class WithoutHttp:
    """Mixed into Dask's servers: they open a plain HTTP port even if no dashboard is wanted."""

    def start_http_server(self, *_arguments: Any, **_options: Any) -> None:
        """Open no port."""


class _EventHandler(logging.Handler):
    """Announces log records as events."""

    def __init__(self, notify: Notify) -> None:
        super().__init__(logging.WARNING)
        self._notify = notify

    def emit(self, record: logging.LogRecord) -> None:
        """Announce one record."""
        event = DaskFailed if record.levelno >= logging.ERROR else DaskWarned
        self._notify(event(record.name, _message(record)))


def _message(record: logging.LogRecord) -> str:
    error: Any = record.exc_info[1] if record.exc_info else None
    text = record.getMessage()
    return f"{text}: {type(error).__name__}: {error}" if error is not None else text
