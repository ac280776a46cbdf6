"""What is done before anything else: starting processes that take long to get ready, and loading our own modules."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3mover.wiring.clerk import Clerk, Wanted

if TYPE_CHECKING:
    from s3mover.workers.nursery import Nursery


@dataclass(frozen=True, slots=True)
class Early:
    """The clerk, who reads settings and finds credentials, and the nursery, where workers come from."""

    clerk: Clerk
    nursery: "Nursery"


@contextmanager
def early_processes(wanted: Wanted | None = None) -> Iterator[Early]:
    """Start them, the clerk with the reading of the settings that are wanted; both have ended afterwards."""
    with ExitStack() as started:
        clerk = Clerk()
        started.callback(clerk.close)
        if wanted is not None:
            clerk.begin(wanted, look_ahead=True)
        # The clerk is waited for first, so that it starts first.
        from s3mover.workers.nursery import Nursery  # noqa: PLC0415

        nursery = Nursery()
        started.callback(nursery.close)
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
