"""Started before anything else: processes that take long to become ready, and imports without garbage collection."""

import gc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3mover.app.config_process import ConfigProcess, SettingsRequest

if TYPE_CHECKING:
    from s3mover.workers.pool.forkserver import ForkServer


@dataclass(frozen=True, slots=True)
class Preloaded:
    """Processes started ahead: one reads settings and resolves credentials, the other forks workers."""

    config_process: ConfigProcess
    fork_server: "ForkServer"


@contextmanager
def start_config_process(request: SettingsRequest | None = None) -> Iterator[ConfigProcess]:
    """Start the configuration process, which reads the requested settings at once; stop it at the end."""
    with closing(ConfigProcess()) as config_process:
        if request is not None:
            config_process.request_settings(request, prefetch=True)
        yield config_process


@contextmanager
def start_fork_server(config_process: ConfigProcess) -> Iterator[Preloaded]:
    """Start the fork server beside the configuration process; stop it at the end.

    Call this after our own modules are imported. On two cores the fork server would slow down the configuration
    process and the imports, and workers are needed only after the database and both buckets have answered.
    """
    from s3mover.workers.pool.forkserver import ForkServer  # noqa: PLC0415 - the configuration process starts first

    with closing(ForkServer()) as fork_server:
        yield Preloaded(config_process, fork_server)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause garbage collection while modules are imported, and exempt their objects from later collections."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
