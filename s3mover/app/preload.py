"""What is done before anything else: starting processes that take long to get ready, and loading our own modules."""

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
    """The clerk, who reads settings and finds credentials, and the nursery, where workers come from."""

    config_process: ConfigProcess
    fork_server: "ForkServer"


@contextmanager
def start_config_process(settings_request: SettingsRequest | None = None) -> Iterator[ConfigProcess]:
    """Start the clerk, with the reading of the settings that are wanted; it has ended afterwards."""
    with closing(ConfigProcess()) as config_process:
        if settings_request is not None:
            config_process.begin(settings_request, look_ahead=True)
        yield config_process


@contextmanager
def start_fork_server(config_process: ConfigProcess) -> Iterator[Preloaded]:
    """Start the nursery beside the clerk; it has ended afterwards.

    Only when our own modules are loaded: on two cores it would take its share from those who are waited for first, and
    its workers are wanted only once the database and both buckets have answered.
    """
    from s3mover.workers.pool.forkserver import ForkServer  # noqa: PLC0415 - the clerk starts before it is loaded

    with closing(ForkServer()) as fork_server:
        yield Preloaded(config_process, fork_server)


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage while modules are loaded, which leave hardly any; later collections pass over what was."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
