"""What is done before anything else: starting processes that take long to get ready, and loading our own modules."""

import gc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3mover.app.config_process import Clerk, Wanted

if TYPE_CHECKING:
    from s3mover.workers.pool.forkserver import Nursery


@dataclass(frozen=True, slots=True)
class Early:
    """The clerk, who reads settings and finds credentials, and the nursery, where workers come from."""

    clerk: Clerk
    nursery: "Nursery"


@contextmanager
def clerk_started(wanted: Wanted | None = None) -> Iterator[Clerk]:
    """Start the clerk, with the reading of the settings that are wanted; it has ended afterwards."""
    with closing(Clerk()) as clerk:
        if wanted is not None:
            clerk.begin(wanted, look_ahead=True)
        yield clerk


@contextmanager
def nursery_started(clerk: Clerk) -> Iterator[Early]:
    """Start the nursery beside the clerk; it has ended afterwards.

    Only when our own modules are loaded: on two cores it would take its share from those who are waited for first, and
    its workers are wanted only once the database and both buckets have answered.
    """
    from s3mover.workers.pool.forkserver import Nursery  # noqa: PLC0415 - the clerk starts before it is loaded

    with closing(Nursery()) as nursery:
        yield Early(clerk, nursery)


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage while modules are loaded, which leave hardly any; later collections pass over what was."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
