"""Settings of the garbage collector: a full collection over a million long-lived objects takes a second."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def collect_rarely() -> None:
    """Exempt existing objects from collection, and collect new ones rarely."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@contextmanager
def without_collection() -> Iterator[None]:
    """Create many long-lived objects without collections in between."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
