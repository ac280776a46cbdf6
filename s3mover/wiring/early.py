"""Processes that are started before anything else, because they take as long to get ready as we do ourselves."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from s3mover.s3.access import SideAccess
from s3mover.s3.clerk import Clerk
from s3mover.workers.nursery import Nursery


@dataclass(frozen=True, slots=True)
class Early:
    """The clerk, who finds credentials, and the nursery, where workers come from: loading while settings are read."""

    clerk: Clerk
    nursery: Nursery

    def look_for(self, accesses: Iterable[SideAccess]) -> None:
        """Let the clerk look for these sides while the rest is loaded."""
        for access in accesses:
            self.clerk.ask(access)


@contextmanager
def early_processes() -> Iterator[Early]:
    """Start them; both have ended afterwards."""
    with ExitStack() as started:
        clerk = Clerk()
        started.callback(clerk.close)
        nursery = Nursery()
        started.callback(nursery.close)
        yield Early(clerk, nursery)
